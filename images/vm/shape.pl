# shape.pl CONTROL PORT TAP — what tc's netem does to frames on their way to the guest, for kernels without the module
# sch_netem. shape.sh makes PORT, a tap of ours, a port of the guest's bridge; every frame that comes out of it is lost,
# doubled, spoilt, held up, and sent on through TAP, as the rules say that come through the socket CONTROL. Frames from
# the guest do not come here.
#
# The rules mean what they mean in the kernel's net/sched/sch_netem.c. Frames pass with their virtio-net headers, so that
# large ones (GSO) and checksums that the guest is to verify stay what they are.
#
# On CONTROL: lines "name value" (seconds, shares of 1, bytes per second, packets), and an empty one, set all rules anew
# ("ok"); the line "show" answers with the value of "words".
use strict;
use warnings;
use Config;
use Errno qw(EAGAIN EINTR EWOULDBLOCK ENOBUFS);
use Fcntl;
use IO::Handle;
use IO::Select;
use Socket;
require(__FILE__ =~ s{[^/]*$}{drop.pl}r);

use constant { TUNSETIFF => 0x400454ca, TUNSETOFFLOAD => 0x400454d0 };
use constant { IFF_TAP => 0x0002, IFF_NO_PI => 0x1000, IFF_VNET_HDR => 0x4000 };
# Checksums and segments of TCP may be left to the guest's side; see linux/if_tun.h.
use constant OFFLOADS => 0x01 | 0x02 | 0x04 | 0x08;
use constant { AF_PACKET => 17, SOL_PACKET => 263, PACKET_VNET_HDR => 15, VNET_HDR => 10 };
# As much as a frame with its headers can be, and how many are taken before those that wait are looked at.
use constant { MAX_FRAME => 1 << 17, BATCH => 64 };

my ($control_path, $port_name, $tap_name) = @ARGV;

# ---- time: perl-base has no Time::HiRes ----

my $CLOCK_GETTIME = $Config{archname} =~ /^aarch64/ ? 113 : 228;
use constant CLOCK_MONOTONIC => 1;

sub now {
  my $spec = "\0" x 16;
  syscall($CLOCK_GETTIME, CLOCK_MONOTONIC, $spec) == 0 or die "clock_gettime: $!\n";
  my ($seconds, $ns) = unpack 'qq', $spec;
  return $seconds + $ns / 1e9;
}

# ---- chance ----

# Numbers from 0 to 1, each like the one before it as far as the correlation says.
my %last;
sub chance {
  my ($name, $correlation) = @_;
  my $new = rand;
  return $last{$name} = $correlation ? $new * (1 - $correlation) + ($last{$name} // $new) * $correlation : $new;
}

# The point below which this share of a normal distribution lies; Abramowitz and Stegun 26.2.23.
sub normal {
  my ($share) = @_;
  my $p = $share < 0.5 ? $share : 1 - $share;
  my $t = sqrt(-2 * log($p > 1e-12 ? $p : 1e-12));
  my $x = $t - (2.515517 + 0.802853 * $t + 0.010328 * $t**2) / (1 + 1.432788 * $t + 0.189269 * $t**2 + 0.001308 * $t**3);
  return $share < 0.5 ? -$x : $x;
}

# ---- the rules ----

my %rules = (words => '', limit => 1000);
sub rule { return $rules{ $_[0] } // 0 }

sub happens {
  my ($what) = @_;
  return rule($what) && rule($what) >= chance($what, rule("${what}_correlation"));
}

sub delay {
  my $jitter = rule('jitter') or return rule('delay');
  my $share = chance('delay', rule('delay_correlation'));
  my $off = ($rules{distribution} // '') eq 'normal' ? normal($share) : 2 * $share - 1;
  return rule('delay') + $jitter * $off;
}

# ---- frames ----

my ($port, $tap);
# [when, frame], the first to go at the end: pop is cheaper than shift is for what is inserted.
my @waiting;
my $ahead = 0;

sub send_on {
  my ($frame) = @_;
  # A guest that does not take its frames loses them, as with any full queue.
  return if defined syswrite $tap, $frame;
  die "$tap_name: $!\n" unless $!{EAGAIN} || $!{EINTR} || $!{ENOBUFS} || $!{ENETDOWN} || $!{EMSGSIZE} || $!{EINVAL};
}

# Keeps the order of time, and that of arrival among equals.
sub enqueue {
  my ($when, $frame) = @_;
  my ($low, $high) = (0, scalar @waiting);
  while ($low < $high) {
    my $middle = ($low + $high) >> 1;
    if ($waiting[$middle][0] > $when) { $low = $middle + 1 } else { $high = $middle }
  }
  splice @waiting, $low, 0, [$when, $frame];
}

sub spoil {
  my ($frame) = @_;
  my $at = VNET_HDR + int rand(length($frame) - VNET_HDR);
  substr($frame, $at, 1) ^= chr(1 << int rand 8);
  return $frame;
}

sub take {
  my ($frame, $is_copy) = @_;
  my $copies = 1;
  $copies += 1 if !$is_copy && happens('duplicate');
  $copies -= 1 if happens('loss');
  return if $copies == 0;
  take($frame, 1) if $copies == 2;
  $frame = spoil($frame) if happens('corrupt');
  return if @waiting >= $rules{limit};

  my $now = now();
  my $when;
  my $gap = rule('gap');
  if ($gap == 0 || $ahead < $gap - 1 || !happens('reorder')) {
    my $wait = delay();
    if (my $rate = rule('rate')) {
      # The wire is busy until the last one has gone.
      if (@waiting) {
        my $last = $waiting[0][0];
        $wait -= $last - $now;
        $wait = 0 if $wait < 0;
        $now = $last;
      }
      $wait += (length($frame) - VNET_HDR) / $rate;
    }
    $when = $now + $wait;
    $ahead += 1;
  } else {
    ($when, $ahead) = ($now, 0);
  }
  enqueue($when, $frame);
}

# ---- the one who asks ----

sub obey {
  my ($text) = @_;
  return "$rules{words}\n" if $text eq "show\n";
  my %new = (words => '', limit => 1000);
  for (split /\n/, $text) { my ($name, $value) = split / /, $_, 2; $new{$name} = $value // '' }
  %rules = %new;
  %last = ();
  $ahead = 0;
  # A frame is spoilt after its checksum was made, and one of a large frame's parts: neither is left to the guest then.
  ioctl($port, TUNSETOFFLOAD, rule('corrupt') ? 0 : OFFLOADS) // die "TUNSETOFFLOAD: $!\n";
  return "ok\n";
}

# ---- life ----

$SIG{PIPE} = 'IGNORE';
sysopen($port, '/dev/net/tun', O_RDWR | O_NONBLOCK) or die "/dev/net/tun: $!\n";
my $request = pack('a16sx22', $port_name, IFF_TAP | IFF_NO_PI | IFF_VNET_HDR);
ioctl($port, TUNSETIFF, $request) // die "$port_name: $!\n";

# Protocol 0: it is for sending, and gets nothing.
socket($tap, AF_PACKET, SOCK_RAW, 0) or die "a packet socket: $!\n";
setsockopt($tap, SOL_PACKET, PACKET_VNET_HDR, pack 'i', 1) or die "PACKET_VNET_HDR: $!\n";
open(my $index_file, '<', "/sys/class/net/$tap_name/ifindex") or die "$tap_name: $!\n";
chomp(my $index = <$index_file>);
bind($tap, pack('Sniscca8', AF_PACKET, 0, $index, 0, 0, 0, '')) or die "$tap_name: $!\n";
$tap->blocking(0);

unlink $control_path;
socket(my $control, AF_UNIX, SOCK_STREAM, 0) or die "socket: $!\n";
bind($control, pack_sockaddr_un($control_path)) or die "$control_path: $!\n";
listen($control, 8) or die "$control_path: $!\n";
$control->blocking(0);
# No frame has come yet: PORT becomes a port of the bridge once shape.sh has read "ready".
become('kdock-shape');
my %askers;
$| = 1;
print "ready\n";
close STDOUT;

while (1) {
  my $wait;
  if (@waiting) {
    $wait = $waiting[-1][0] - now();
    $wait = 0 if $wait < 0;
  }
  my @ready = IO::Select->new($port, $control, map { $_->{socket} } values %askers)->can_read($wait);
  for my $socket (@ready) {
    if ($socket == $port) {
      for (1 .. BATCH) {
        sysread($port, my $frame, MAX_FRAME) or last;
        take($frame, 0);
      }
    } elsif ($socket == $control) {
      next unless accept(my $asker, $control);
      $asker->blocking(0);
      $askers{ fileno $asker } = { socket => $asker, text => '' };
    } else {
      my $asker = $askers{ fileno $socket };
      my $n = sysread $socket, $asker->{text}, 4096, length $asker->{text};
      next if !defined $n && ($!{EAGAIN} || $!{EINTR} || $!{EWOULDBLOCK});
      if ($n && $asker->{text} ne "show\n" && $asker->{text} !~ /\n\n\z/) { next }
      syswrite $socket, obey($asker->{text}) if $n;
      delete $askers{ fileno $socket };
      close $socket;
    }
  }
  my $now = now();
  send_on((pop @waiting)->[1]) while @waiting && $waiting[-1][0] <= $now;
}
