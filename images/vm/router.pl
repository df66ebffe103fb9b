# router.pl BRIDGE GUEST-MAC — router advertisements (RFC 4861) for one guest: a default route while this container has an
# IPv6 address to go out with, and none otherwise, so that the guest prefers no route that leads nowhere.
#
# Other guests are on the same wire, and have gateways of their own: an advertisement goes to our guest's link-local address
# alone, never to a group, and only our guest's solicitations are answered. dnsmasq and radvd cannot be told so.
# Advertisements carry no prefix: the guest has its address already. They carry the bridge's MTU.
use strict;
use warnings;
use Errno qw(EINTR);
use IO::Select;
require(__FILE__ =~ s{[^/]*$}{drop.pl}r);
use Socket qw(AF_INET6 SOCK_RAW SOL_SOCKET inet_pton pack_sockaddr_in6 unpack_sockaddr_in6);

# From the kernel's headers.
use constant { IPPROTO_ICMPV6 => 58, SOL_IPV6 => 41, SOL_ICMPV6 => 58 };
use constant { SO_BINDTODEVICE => 25, IPV6_UNICAST_HOPS => 16, ICMPV6_FILTER => 1 };
use constant { AF_NETLINK => 16, NETLINK_ROUTE => 0, GROUP_IPV6_IFADDR => 0x100 };
use constant { SOLICITATION => 133, ADVERTISEMENT => 134 };
# The guest forgets a router that it has not heard of for so long; a debugger may stop it for a while.
use constant { LIFETIME_SECONDS => 9000, REPEAT_SECONDS => 600 };

my ($bridge, $mac) = @ARGV;
my $index = interface('ifindex');
my $guest = inet_pton(AF_INET6, link_local($mac));

socket my $icmp, AF_INET6, SOCK_RAW, IPPROTO_ICMPV6 or die "socket: $!\n";
setsockopt $icmp, SOL_SOCKET, SO_BINDTODEVICE, "$bridge\0" or die "$bridge: $!\n";
# A set bit is a type that we do not want to hear of.
my $filter = "\xff" x 32;
vec($filter, SOLICITATION, 1) = 0;
setsockopt $icmp, SOL_ICMPV6, ICMPV6_FILTER, $filter or die "filter: $!\n";
# Packets that were forwarded are no neighbour's (RFC 4861).
setsockopt $icmp, SOL_IPV6, IPV6_UNICAST_HOPS, pack('i', 255) or die "hop limit: $!\n";
# The kernel tells here when addresses come and go.
socket my $changes, AF_NETLINK, SOCK_RAW, NETLINK_ROUTE or die "netlink: $!\n";
bind $changes, pack('S S L L', AF_NETLINK, 0, 0, GROUP_IPV6_IFADDR) or die "netlink: $!\n";
become('kdock-router');

my $select = IO::Select->new($icmp, $changes);
my $told = 0;
while (1) {
  my @ready = $select->can_read($told ? REPEAT_SECONDS : undef);
  next if !@ready && $!{EINTR};
  my $asked = !@ready;
  for my $socket (@ready) {
    my $from = recv $socket, my $message, 65536, 0;
    next if !defined $from || $socket == $changes;
    $asked ||= (unpack_sockaddr_in6($from))[1] eq $guest;
  }
  my $now = has_way_out() ? LIFETIME_SECONDS : 0;
  next if !$asked && $now == $told;
  advertise($now);
  $told = $now;
}

# What the guest's kernel makes of the card's address (RFC 4291, modified EUI-64).
sub link_local {
  my @byte = map { hex } split /:/, $_[0];
  return sprintf 'fe80::%02x%02x:%02xff:fe%02x:%02x%02x', $byte[0] ^ 2, @byte[1 .. 5];
}

# Addresses of global scope that are not the bridge's.
sub has_way_out {
  open my $file, '<', '/proc/net/if_inet6' or return 0;
  return grep { my ($scope, $device) = (split)[3, 5]; $scope eq '00' && $device ne $bridge } <$file>;
}

# Without an answer: a guest that is not there yet asks when it is.
sub advertise {
  my ($lifetime) = @_;
  my $hop_limit = 64;
  my $link_address = bridge_address();
  # The kernel adds the checksum.
  my $packet = pack 'C C n C C n N N', ADVERTISEMENT, 0, 0, $hop_limit, 0, $lifetime, 0, 0;
  # Source link-layer address, in units of eight bytes.
  $packet .= pack 'C C a6', 1, 1, $link_address;
  # MTU.
  $packet .= pack 'C C n N', 5, 1, 0, interface('mtu');
  send $icmp, $packet, 0, pack_sockaddr_in6(0, $guest, $index) or warn "send: $!\n";
}

sub bridge_address { return pack 'C6', map { hex } split /:/, interface('address') }

sub interface {
  my ($fact) = @_;
  open my $file, '<', "/sys/class/net/$bridge/$fact" or die "$bridge: $!\n";
  chomp(my $text = <$file>);
  return $text;
}
