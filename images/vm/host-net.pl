# host-net.pl serve FOLDER — mode "host": the host's part of the network, from a container in the host's network namespace.
# host-net.pl clean FOLDER — takes away what a `serve` that could not do it itself has left.
# host-net.pl take SOCKET NAME MAC ADDRESS VM-ADDRESS PORTS COMMAND... — in a VM's container: becomes COMMAND, with a tap
#   of the host as file descriptor KDOCK_TAP_FD. VM-ADDRESS is the container's own, PORTS the guest's that it publishes: tcp/80,udp/53.
#
# `serve` makes the bridge, its address, the iptables rules and dnsmasq, prints "ready", and hands out taps: `take` connects to
# FOLDER/tap.sock and receives an open tap as a file descriptor. COMMAND, which is QEMU in the end, holds three things that the
# kernel releases when its last process has ended, even by SIGKILL:
#   the tap              the kernel removes it with its last open descriptor
#   the connection       its end tells `serve`
#   a shared lock on FOLDER/lock   tells a `serve` that the engine has restarted, and that has no connections, whether VMs run
# When the lock is free, `serve` removes everything. FOLDER/undo is its undo log: the command that reverts a change is written
# there before the change. It is in a volume, so that the next `serve` or `clean` can finish what a killed one could not.
#
# Nothing here needs more of the host than its network namespace; QEMU and its debugger's port stay out of that.
#
#   KDOCK_GATEWAY     10.0.3.1/24, the bridge's address
#   KDOCK_BRIDGE_MAC  this project's; no other bridge is ever taken away
#   KDOCK_UPLINK_FILE where the host's interface to the outside is written, for capture.sh
#   KDOCK_GDB_PORT    where VMs' containers have their debugger's port, which is not for guests
use strict;
use warnings;
use Errno qw(EEXIST EBUSY EINTR);
use Fcntl qw(:flock O_RDWR O_CREAT);
use IO::Handle;
use IO::Select;
use POSIX ();
use Socket;

# From the kernel's headers: the same on every architecture that has these.
use constant { TUNSETIFF => 0x400454ca, SCM_RIGHTS => 1 };
use constant { IFF_TAP => 2, IFF_NO_PI => 0x1000, IFF_VNET_HDR => 0x4000, IFF_TUN_EXCL => 0x8000 };
use constant MAX_LINKS => 100;
# `serve` ends when no tap has been taken in this time: the kdock that was starting the VM has been killed.
use constant GRACE_SECONDS => 60;
# After a soft stop, VMs that are stopped at the same time have this long.
use constant STOP_SECONDS => 5;

my ($lib) = __FILE__ =~ m{^(.*)/};
# The undo log: shell commands, run from the last to the first.
my ($folder, @undo_log);

sub slurp { my ($path) = @_; open my $file, '<', $path or return ''; local $/; my $text = <$file> // ''; return $text }

sub store {
  my ($name, $text, $mode) = @_;
  open my $file, '>', "$folder/$name.new" or die "$folder/$name: $!\n";
  print {$file} $text;
  chmod $mode, $file if defined $mode;
  close $file or die "$folder/$name: $!\n";
  rename "$folder/$name.new", "$folder/$name" or die "$folder/$name: $!\n";
}

sub store_for_dnsmasq { my ($name, $text) = @_; store($name, $text, 0644) }

# A machine that was started anew has nothing of it left.
sub boot_id { my $id = slurp('/proc/sys/kernel/random/boot_id'); chomp $id; return $id }
sub write_undo_log { store('undo', join '', map { "$_\n" } boot_id(), @undo_log) }

sub read_undo_log {
  my ($boot, @lines) = split /\n/, slurp("$folder/undo");
  @undo_log = defined $boot && $boot eq boot_id() ? @lines : ();
}

sub run {
  my (@command) = @_;
  open my $output, '-|', 'sh', '-c', 'exec 2>&1; exec "$@"', 'sh', @command or die "$command[0]: $!\n";
  my $said = do { local $/; <$output> } // '';
  return if close $output;
  chomp $said;
  die "$command[0]: " . ($said || 'failed') . "\n";
}

# Does something that has to be undone, and writes down how before it does.
sub change {
  my ($undo, @command) = @_;
  push @undo_log, $undo;
  write_undo_log();
  eval { run(@command); 1 } or do { my $why = $@; pop @undo_log; write_undo_log(); die $why };
}

sub settle {
  my ($undo) = @_;
  # That something is gone already is no reason to leave the rest.
  system 'sh', '-c', "$undo >/dev/null 2>&1";
  @undo_log = grep { $_ ne $undo } @undo_log;
  write_undo_log();
}

sub settle_all { settle($undo_log[-1]) while @undo_log }

sub open_lock { sysopen my $lock, "$folder/lock", O_RDWR | O_CREAT or die "$folder/lock: $!\n"; return $lock }

my ($iptables, $bridge, $uplink, $mtu, $fence);
my @ANSWERS = ('-m', 'conntrack', '--ctstate', 'RELATED,ESTABLISHED');

sub serve {
  ($folder) = @_;
  umask 077;
  my $ending = 0;
  $SIG{TERM} = $SIG{INT} = sub { $ending ||= time };
  $SIG{PIPE} = 'IGNORE';
  my $lock = open_lock();
  # In the container's own files, which outlive its processes: the engine has started us again.
  my $again = -e '/run/kdock-again';
  close do { open my $mark, '>', '/run/kdock-again'; $mark };
  read_undo_log();
  my $alone = flock $lock, LOCK_EX | LOCK_NB;
  my $started = time;
  my $served = 0;
  if ($again) {
    if ($alone) { unlink "$folder/tap.sock"; settle_all(); exit 0 }
    ($bridge, $uplink, $mtu, $iptables) = split / /, slurp("$folder/made") =~ s/\n//r;
    $fence = "KDOCK-$bridge";
    start_dnsmasq();
    $served = 1;
  } else {
    # What an earlier container has left.
    settle_all() if $alone;
    eval { make(); 1 } or do { my $why = $@; settle_all(); chomp $why; print "error: $why\n"; exit 0 };
  }
  flock $lock, LOCK_UN;

  my $listener = listen_at("$folder/tap.sock");
  print "ready $bridge\n";
  my $select = IO::Select->new($listener);
  my %guests;
  while (1) {
    for my $socket ($select->can_read(1)) {
      if ($socket == $listener) {
        accept my $guest, $listener or next;
        my $named = eval { give($guest) };
        if (!defined $named) { print "error: $@"; syswrite $guest, "error: $@"; next }
        $guests{$guest} = $named;
        $select->add($guest);
        $served = 1;
      } else {
        # Nothing that a guest's process says is listened to: only that it ends.
        my $n = sysread $socket, my $ignored, 4096;
        next if !defined $n ? $!{EINTR} : $n > 0;
        $select->remove($socket);
        forget(delete $guests{$socket});
      }
    }
    # The program that switched forwarding on may have ended, and switched it off.
    eval { forward(); keep_fence() };
    next if %guests && !$ending;
    next if !$served && !$ending && time < $started + GRACE_SECONDS;
    if (!flock $lock, LOCK_EX | LOCK_NB) { next unless $ending && time > $ending + STOP_SECONDS }
    last;
  }
  unlink "$folder/tap.sock";
  signal_dnsmasq('TERM');
  settle_all();
  exit 0;
}

sub clean {
  ($folder) = @_;
  my $lock = open_lock();
  for (1 .. 100) { last if flock $lock, LOCK_EX | LOCK_NB; select undef, undef, undef, 0.1 }
  read_undo_log();
  settle_all();
  exit 0;
}

# Bridge, NAT and DHCP on the host itself; br0 and tap0 where these names are free.
sub make {
  my $gateway = $ENV{KDOCK_GATEWAY};
  my $mac = $ENV{KDOCK_BRIDGE_MAC};
  my $subnet = network_of($gateway);
  # Rules of both kinds are asked for each packet: an ACCEPT counts only among those that there are.
  $iptables = slurp('/proc/net/ip_tables_names') =~ /^filter$/m ? 'iptables-legacy' : 'iptables-nft';
  for my $route (split /\n/, `ip -o -4 route show`) {
    my ($to) = $route =~ /^(\d+\.\S+)/ or next;
    die "$subnet clashes with the engine's machine's route $route\n" if overlap($subnet, $to);
  }
  $uplink = `ip -o -4 route show default` =~ / dev (\S+)/ ? $1 : '';
  chomp($mtu = ($uplink && slurp("/sys/class/net/$uplink/mtu")) || 1500);

  my $why = '';
  for my $n (0 .. MAX_LINKS - 1) {
    my $name = "br$n";
    next if -e "/sys/class/net/$name";
    my $undo = qq([ "\$(cat /sys/class/net/$name/address)" != $mac ] || ip link del $name);
    eval { change($undo, qw(ip link add), $name, 'address', $mac, qw(type bridge forward_delay 0)); 1 } or do { $why = $@; next };
    $bridge = $name;
    last;
  }
  $bridge or die "no bridge could be made on the host: $why";
  run(qw(ip addr add), $gateway, 'dev', $bridge);
  run(qw(ip link set), $bridge, 'mtu', $mtu, 'up');
  forward();
  no_ipv6();
  # Not with the host's address, which is the engine's gateway there, to a debugger's port of any VM's container.
  my @stub = ('!', '-o', $bridge, '-p', 'tcp', '--dport', $ENV{KDOCK_GDB_PORT});
  rule('nat', '-A', 'POSTROUTING', '-s', $subnet, '-o', $uplink, '-j', 'MASQUERADE') if $uplink;
  rule('nat', '-A', 'POSTROUTING', '-s', $subnet, @stub, '-j', 'ACCEPT');
  rule('nat', '-A', 'POSTROUTING', '-s', $subnet, '!', '-o', $bridge, '-j', 'MASQUERADE');
  fence($subnet);
  # Before what a firewall may have: a host that lets nothing through, or in, would let no guest out.
  accept_forwarded('-i', $bridge, '-s', $subnet);
  accept_forwarded('-i', $bridge, '-o', $bridge);
  accept_forwarded('-o', $bridge, @ANSWERS);
  for my $in ([ udp => 67 ], [ udp => 53 ], [ tcp => 53 ]) {
    rule('filter', '-I', 'INPUT', '-i', $bridge, '-p', $in->[0], '--dport', $in->[1], '-j', 'ACCEPT');
  }
  store('made', "$bridge $uplink $mtu $iptables\n");
  # For start.sh.
  store('mtu', "$mtu\n");
  store_for_dnsmasq($_, '') for 'dhcp', 'hosts', 'names';
  open my $note, '>', $ENV{KDOCK_UPLINK_FILE} or die "$ENV{KDOCK_UPLINK_FILE}: $!\n";
  print {$note} "$uplink\n";
  close $note;
  start_dnsmasq();
}

# What must not pass the bridge. The chains of all bridges come first, so that none of the rules that accept is asked before.
sub fence {
  my ($subnet) = @_;
  $fence = "KDOCK-$bridge";
  my $remove = "{ $iptables -w -F $fence; $iptables -w -X $fence; }";
  # One that is there although the bridge was not is left over.
  system 'sh', '-c', "{ $iptables -w -D FORWARD -j $fence; $remove; } >/dev/null 2>&1";
  change($remove, $iptables, qw(-w -N), $fence);
  my @rules = (
    # Bridged, where the host asks about that as well (br_netfilter).
    [ '-i', $bridge, '-o', $bridge, '-j', 'RETURN' ],
    # No guest has another's address: a debugger's port is open to the engine's gateways.
    [ '-i', $bridge, '!', '-s', $subnet, '-j', 'DROP' ],
    # That port of all VMs' containers, of other projects too, which may be on any network of the engine.
    [ '-i', $bridge, ($uplink ? ('!', '-o', $uplink) : ()), '-p', 'tcp', '--dport', $ENV{KDOCK_GDB_PORT}, '-j', 'DROP' ],
    # To a guest: answers, and what its own container publishes, see give().
    [ '-o', $bridge, @ANSWERS, '-j', 'RETURN' ],
    [ '-o', $bridge, '-j', 'DROP' ],
  );
  run($iptables, '-w', '-A', $fence, @$_) for @rules;
  rule('filter', '-I', 'FORWARD', '-j', $fence);
}

# Those that come before all other rules.
sub fences {
  my @first;
  for (grep { /^-A/ } split /\n/, `$iptables -w -S FORWARD`) { /^-A FORWARD -j (KDOCK-\S+)$/ or last; push @first, $1 }
  return @first;
}

sub accept_forwarded {
  my @rule = (@_, '-j', 'ACCEPT');
  my $undo = "$iptables -w -D FORWARD @rule";
  change($undo, $iptables, qw(-w -I FORWARD), 1 + fences(), @rule);
  return $undo;
}

# An engine puts rules of its own first whenever it makes a network.
sub keep_fence {
  return if grep { $_ eq $fence } fences();
  system 'sh', '-c', "$iptables -w -D FORWARD -j $fence 2>/dev/null";
  run($iptables, qw(-w -I FORWARD -j), $fence);
}

# Guests have it among themselves. The host neither answers on the bridge nor passes anything on.
sub no_ipv6 {
  my $path = "/proc/sys/net/ipv6/conf/$bridge/disable_ipv6";
  return if !-e $path;
  run('sh', '-c', "echo 1 > $path");
}

sub rule {
  my ($table, $how, @rule) = @_;
  my $undo = join ' ', $iptables, '-w', '-t', $table, '-D', @rule;
  change($undo, $iptables, '-w', '-t', $table, $how, @rule);
  return $undo;
}

# Switched off again at the end if we have switched it on.
sub forward {
  my $path = '/proc/sys/net/ipv4/ip_forward';
  return if slurp($path) =~ /^1/;
  my $undo = "echo 0 > $path";
  @undo_log = grep { $_ ne $undo } @undo_log;
  change($undo, 'sh', '-c', "echo 1 > $path");
}

# DHCP for our guests and no others that are on the same wire; names by the host's resolver. It is a user of its own when
# it reads a packet, and keeps NET_ADMIN alone; see start.sh.
sub start_dnsmasq {
  my ($address) = split m{/}, $ENV{KDOCK_GATEWAY};
  my ($net) = split m{/}, network_of($ENV{KDOCK_GATEWAY});
  run('sh', "$lib/confine.sh", 'net_admin,net_raw,net_bind_service', qw(dnsmasq --user=kdock-dns --group=kdock-dns --no-ping),
    '--conf-file=/dev/null', "--interface=$bridge", qw(--bind-interfaces --except-interface=lo --no-hosts),
    "--addn-hosts=$folder/hosts", "--servers-file=$folder/names", "--dhcp-hostsfile=$folder/dhcp", '--dhcp-authoritative',
    "--dhcp-range=$net,static,12h", '--dhcp-ignore=tag:!known', "--dhcp-option=option:router,$address",
    "--dhcp-option=option:dns-server,$address", "--dhcp-option=option:mtu,$mtu", '--dhcp-leasefile=/run/dnsmasq.leases',
    '--pid-file=/run/dnsmasq.pid', '--log-facility=/run/dnsmasq.log');
}

sub dnsmasq_pid { return slurp('/run/dnsmasq.pid') =~ /^(\d+)/ ? $1 : undef }
# From its own user: root has no CAP_KILL here.
sub signal_dnsmasq {
  my ($signal) = @_;
  my $pid = dnsmasq_pid() or return;
  system 'sh', "$lib/confine.sh", qw(--user kdock-dns kill -s), $signal, $pid;
}

my %names;    # of guests: [mac, address, [undo...], tap]

sub tell_dnsmasq {
  store_for_dnsmasq('dhcp', join '', map { "$names{$_}[0],$names{$_}[1],$_\n" } sort keys %names);
  store_for_dnsmasq('hosts', join '', map { "$names{$_}[1] $_\n" } sort keys %names);
  # A guest also asks for the IPv6 addresses of others, which they do not have: the host's resolver need not answer.
  store_for_dnsmasq('names', join '', map { "server=/$_/\n" } sort keys %names);
  signal_dnsmasq('HUP');
}

sub listen_at {
  my ($path) = @_;
  unlink $path;
  socket my $socket, AF_UNIX, SOCK_STREAM, 0 or die "socket: $!\n";
  bind $socket, pack_sockaddr_un($path) or die "$path: $!\n";
  listen $socket, 16 or die "$path: $!\n";
  return $socket;
}

# A new tap on the bridge, for the one who asks. The guest's name.
sub give {
  my ($guest) = @_;
  sysread $guest, my $asked, 4096 or die "no request\n";
  my ($name, $mac, $address, $vm, $ports) = $asked =~ m{^([a-z0-9-]+) ([0-9a-f:]+) ([0-9.]+) ([0-9.]+) ([a-z0-9/,-]+)\n$} or die "not understood\n";
  my ($tap, $device) = open_tap();
  run(qw(ip link set), $tap, 'mtu', $mtu, 'master', $bridge, 'up');
  my @undo;
  while ($ports =~ m{(tcp|udp)/(\d+)}g) {
    my @published = ('-s', $vm, '-d', $address, '-o', $bridge, '-p', $1, '--dport', $2);
    push @undo, accept_forwarded(@published), rule('filter', '-I', $fence, @published, '-j', 'RETURN');
  }
  $names{$name} = [ $mac, $address, \@undo, $tap ];
  store("tap-$name", "$tap\n");
  tell_dnsmasq();
  send_fd($guest, fileno $device, "$tap $bridge $ENV{KDOCK_GATEWAY} " . ($uplink || '-') . "\n");
  return $name;
}

sub forget {
  my ($name) = @_;
  my $guest = delete $names{$name} or return;
  settle($_) for @{ $guest->[2] };
  unlink "$folder/tap-$name";
  tell_dnsmasq();
}

# Not persistent: the device is there for as long as a process has it open, and no longer.
sub open_tap {
  open my $device, '+<', '/dev/net/tun' or die "/dev/net/tun: $!\n";
  for my $n (0 .. MAX_LINKS - 1) {
    my $request = pack 'a16 S x22', "tap$n", IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | IFF_TUN_EXCL;
    return ("tap$n", $device) if ioctl $device, TUNSETIFF, $request;
    $!{EBUSY} || $!{EEXIST} or die "no tap could be made on the host: $!\n";
  }
  die "there are too many taps on the host\n";
}

# Perl has no words for passing a file descriptor; the kernel's call and its structures on 64-bit machines do.
sub call_number { my ($which) = @_; return (POSIX::uname())[4] eq 'aarch64' ? { sendmsg => 211, recvmsg => 212 }->{$which} : { sendmsg => 46, recvmsg => 47 }->{$which} }
sub address { return unpack 'Q', pack 'P', $_[0] }
sub message { return pack 'Q L x4 Q Q Q Q i x4', 0, 0, address($_[0]), 1, address($_[1]), length $_[1], 0 }

sub send_fd {
  my ($socket, $fd, $text) = @_;
  my $vector = pack 'Q Q', address($text), length $text;
  my $control = pack 'Q i i i x4', 20, SOL_SOCKET, SCM_RIGHTS, $fd;
  my $message = message($vector, $control);
  syscall(call_number('sendmsg'), fileno $socket, $message, 0) > 0 or die "sendmsg: $!\n";
}

# The text, and the file descriptor that came with it; undefined when none did.
sub receive_fd {
  my ($socket) = @_;
  my $text = "\0" x 4096;
  my $control = "\0" x 24;
  my $vector = pack 'Q Q', address($text), length $text;
  my $message = message($vector, $control);
  my $n = syscall call_number('recvmsg'), fileno $socket, $message, 0;
  $n >= 0 or die "recvmsg: $!\n";
  my ($length, $level, $type, $fd) = unpack 'Q i i i', $control;
  return (substr($text, 0, $n), $length == 20 && $type == SCM_RIGHTS ? $fd : undef);
}

sub take {
  my ($path, $name, $mac, $address, $vm, $ports, @command) = @_;
  # Everything that is opened here is kept open by COMMAND.
  $^F = 255;
  my $fail = sub { print "[kdock] error: the host's part of the network is not there: $_[0]\r\n"; exit $ENV{KDOCK_START_REFUSED} };
  (my $lock_path = $path) =~ s{[^/]*$}{lock};
  open my $lock, '<', $lock_path or $fail->("$lock_path: $!");
  flock $lock, LOCK_SH or $fail->("$lock_path: $!");
  socket my $socket, AF_UNIX, SOCK_STREAM, 0 or $fail->($!);
  connect $socket, pack_sockaddr_un($path) or $fail->("$path: $!");
  syswrite $socket, "$name $mac $address $vm $ports\n";
  my ($text, $fd) = receive_fd($socket);
  $text =~ s/^error: //;
  chomp $text;
  defined $fd or $fail->($text || 'it gave no tap');
  POSIX::dup2($fd, $ENV{KDOCK_TAP_FD}) or $fail->("dup2: $!");
  my ($tap, $bridge, $gateway, $uplink) = split ' ', $text;
  my $out = $uplink eq '-' ? 'nowhere: the host has no default route' : $uplink;
  print "[kdock] network: guest $address on $tap and $bridge $gateway of the host, MASQUERADE to $out\r\n";
  exec @command or $fail->("$command[0]: $!");
}

sub network_of {
  my ($address, $prefix) = split m{/}, $_[0];
  my $mask = $prefix == 0 ? 0 : (0xffffffff << (32 - $prefix)) & 0xffffffff;
  return join('.', unpack 'C4', pack 'N', unpack('N', inet_aton($address)) & $mask) . "/$prefix";
}

sub overlap {
  my ($one, $other) = @_;
  my ($address, $prefix) = split m{/}, $one;
  my ($other_address, $other_prefix) = (split(m{/}, $other), 32);
  my $shorter = $prefix < $other_prefix ? $prefix : $other_prefix;
  return network_of("$address/$shorter") eq network_of("$other_address/$shorter");
}

my ($task, @arguments) = @ARGV;
my %tasks = (serve => \&serve, clean => \&clean, take => \&take);
$tasks{ $task // '' } or die "host-net.pl serve|clean FOLDER, or take SOCKET ...\n";
STDOUT->autoflush(1);
$tasks{$task}->(@arguments);
