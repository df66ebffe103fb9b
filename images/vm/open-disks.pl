# open-disks.pl COMMAND... — opens the guest's disks and becomes COMMAND, which finds them as open files. QEMU runs as a user
# that owns none of them, and nothing about the host's files is to be changed for it.
#
# KDOCK_DISKS has a line for each: "20 rw /disks/0 /home/ada/data.img": the number of the open file, rw, ro or the bytes of an
# empty disk that is to be made, its path in here, and what the person calls it.
use strict;
use warnings;
use Errno qw(EACCES EPERM);
use Fcntl;
use POSIX ();

sub refuse { my ($text) = @_; print "[kdock] error: $text\r\n"; exit $ENV{KDOCK_START_REFUSED} }

# Without CAP_DAC_OVERRIDE root may not open what is another user's alone. Its owner may, and root can be that for a moment.
sub open_as {
  my ($uid, $gid, $path, $flags) = @_;
  my $groups = $);
  $) = "$gid $gid";
  $> = $uid;
  my $ok = $> == $uid && sysopen(my $file, $path, $flags);
  my $why = $!;
  $> = 0;
  $) = $groups;
  $! = $why;
  return $ok ? $file : undef;
}

sub open_file {
  my ($mode, $path, $name) = @_;
  my (undef, undef, undef, undef, $uid, $gid) = stat $path or refuse("$name is not in this container: $!");
  refuse("$name is a folder in this container: was it missing when this began?") if -d _;
  my $flags = $mode eq 'rw' ? O_RDWR : O_RDONLY;
  my $why;
  for my $as ([0, 0], [$uid, $gid], [0, $gid]) {
    my $file = open_as(@$as, $path, $flags);
    return $file if defined $file;
    $why = "$!";
    last unless $!{EACCES} || $!{EPERM};
  }
  my ($what, $else) = $mode eq 'rw' ? ('for writing', "; $name:ro gives it to the guest read-only") : ('for reading', '');
  refuse("$name cannot be opened $what in the VM's container, not as its owner (user $uid) either: $why$else");
}

sub make_file {
  my ($bytes, $path) = @_;
  mkdir $path =~ s{/[^/]*$}{}r;
  sysopen(my $file, $path, O_RDWR | O_CREAT | O_TRUNC, 0600) or refuse("a scratch disk could not be made: $!");
  truncate($file, $bytes) or refuse("a scratch disk of $bytes bytes could not be made: $!");
  return $file;
}

for my $line (split /\n/, $ENV{KDOCK_DISKS} // '') {
  my ($number, $mode, $path, $name) = split / /, $line, 4;
  my $file = $mode =~ /^\d+$/ ? make_file($mode, $path) : open_file($mode, $path, $name);
  POSIX::dup2(fileno $file, $number) // refuse("$name: $!");
}
exec { $ARGV[0] } @ARGV or refuse("$ARGV[0]: $!");
