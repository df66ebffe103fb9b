# drop.pl — for programs that open sockets as root and read a guest's frames from them: `become(USER)` in between. Nothing
# of root's is left afterwards, capabilities included: the kernel takes them away with the last user id 0.
use strict;
use warnings;
use POSIX ();

sub become {
  my ($user) = @_;
  my (undef, undef, $uid, $gid) = getpwnam $user or die "there is no user $user\n";
  # Both sets the group and replaces the supplementary ones.
  $) = "$gid $gid";
  POSIX::setgid($gid) && POSIX::setuid($uid) or die "$user: $!\n";
  "$< $> $( $)" eq "$uid $uid $gid $gid $gid $gid" or die "$user: root could not be dropped\n";
}

1;
