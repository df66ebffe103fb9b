# hand-over.pl SOCKET OUT — sends the artifacts in OUT to the listener on SOCKET, as one tar.
#
# It is started in /build before make, because vmlinux is the most of it by far, and there is time for it while make packs
# the image: as soon as vmlinux is linked it is sent, as OUT's .early/vmlinux. When .kdock/collected appears, the rest
# follows; vmlinux is among it only if it is another one by then.
#
# Exit codes: 75 no listener, nothing was sent; any other but 0: the transfer was incomplete.
use strict;
use warnings;
use IO::Handle;
use IO::Socket::UNIX;
use Time::HiRes qw(sleep stat);

$SIG{PIPE} = 'IGNORE';
my ($name, $out) = @ARGV;
my ($above, $folder) = $out =~ m{^(.*)/([^/]+)$} or die "hand-over.pl: $out has to be absolute\n";
my $socket;

# Times count finer than seconds, and linkers make new files.
sub state_of { return join ' ', (stat shift)[1, 7, 9] }

sub connect_once {
  $socket ||= IO::Socket::UNIX->new(Peer => $name) or exit 75;
}

sub send_all {
  my ($bytes) = @_;
  for (my $at = 0; $at < length $bytes;) {
    my $sent = syswrite($socket, $bytes, length($bytes) - $at, $at);
    die "hand-over.pl: $!\n" unless defined $sent;
    $at += $sent;
  }
}

# A header of the form ustar, for sizes below 8 GiB.
sub header {
  my ($path, $mode, $size) = @_;
  my @fields = ($path, sprintf('%07o', $mode), '0000000', '0000000', sprintf('%011o', $size), '00000000000');
  my $form = 'a100 a8 a8 a8 a12 a12 A8 a1 a100 a6 a2 x247';
  my $sum = unpack '%32C*', pack($form, @fields, '', '0', '', 'ustar', '00');
  return pack $form, @fields, sprintf("%06o\0 ", $sum), '0', '', 'ustar', '00';
}

sub send_early {
  open my $file, '<:raw', 'vmlinux' or return;
  my ($mode, $size) = (stat $file)[2, 7];
  return if $size >= 1 << 33;
  connect_once();
  send_all(header("$folder/.early/vmlinux", $mode & 0777, $size));
  for (my $left = $size; $left > 0;) {
    my $read = sysread($file, my $bytes, $left < 1 << 20 ? $left : 1 << 20);
    die "hand-over.pl: vmlinux got shorter\n" unless $read;
    send_all($bytes);
    $left -= $read;
  }
  send_all("\0" x (-$size % 512));
  # The end of a container is put off until all that was written is on the disk.
  system 'sync -f . &';
  return 1;
}

# Kbuild writes down how a file was made when it is made.
my %before = map { $_ => state_of(".$_.cmd") } qw(vmlinux.o vmlinux);
sub is_made { return -e ".$_[0].cmd" && state_of(".$_[0].cmd") ne $before{$_[0]} }

my ($flushed, $tried, $early);
until (-e '.kdock/collected') {
  if (!$flushed && is_made('vmlinux.o')) {
    $flushed = 1;
    system 'sync vmlinux.o &';
  }
  if (!$tried && is_made('vmlinux')) {
    $tried = 1;
    my $state = state_of('vmlinux');
    $early = $state if send_early();
  }
  sleep 0.02;
}
connect_once();
my @known = $early && $early eq state_of('vmlinux') ? ('--anchored', "--exclude=$folder/vmlinux") : ();
open STDOUT, '>&', $socket or die "hand-over.pl: $!\n";
exec 'tar', '-cf', '-', '-C', $above, @known, $folder or die "hand-over.pl: $!\n";
