# guest-mux.pl LISTEN PORT MONITOR — shares the guest's one virtio-serial port among any number of clients.
#
# QEMU serves one client at a time on PORT, and lets the next one wait without an answer. Here every client gets one:
# a client of LISTEN speaks the agent's own frames (frames.ts) as if it were alone. Command numbers are
# translated, a client that leaves takes its commands with it and no others, and a client that does not read blocks
# no other, because the agent sends no more of a command's output than was acknowledged.
#
# On MONITOR, a QMP socket of our own, QEMU tells when a debugger stops the guest and when it goes on. Clients hear of it.
#
# Perl, because every Debian has it: the image needs no other package, and no compiler.
use strict;
use warnings;
use Errno qw(EAGAIN EINTR EWOULDBLOCK);
use IO::Handle;
use IO::Select;
use Socket;

use constant { HELLO => 1, EXEC => 2, RESIZE => 5, POWEROFF => 6, PING => 7, HANG_UP => 8 };
use constant { R_HELLO => 129, R_EXIT => 132, R_STATE => 135 };
use constant { VERSION => 2, MAGIC => "kdock hello\n", HEADER => 8, MAX_PAYLOAD => 65536, MAX_ID => 65535 };
use constant READ_BYTES => 1 << 18;
# What may wait for the guest before clients are no longer listened to.
use constant MAX_QUEUED => 1 << 20;
# What may wait for a client: for each of its commands, all that an agent sends without an acknowledgement, which is
# OUT_WINDOW of frames.ts, in frames of one byte. What sends more is not our agent.
use constant { MAX_WAITING => 1 << 20, MAX_COMMAND => 10 << 20 };

my ($listen_path, $port_path, $monitor_path) = @ARGV;
my (%clients, %owners, %pings);    # by file descriptor; [client, its id] by ours; clients by nonce
my ($agent, $monitor, $state, $last_id) = (undef, undef, 'running', 0);

sub frame { my ($type, $id, $payload) = @_; return pack('CCvV', $type, 0, $id, length $payload) . $payload }

# One end of a connection: what was read and is no whole frame yet, and what waits to be written.
sub peer { my ($socket) = @_; $socket->blocking(0); return { socket => $socket, in => '', out => '' } }

sub dial {
  my ($path) = @_;
  socket(my $socket, AF_UNIX, SOCK_STREAM, 0) or die "socket: $!\n";
  # QEMU makes its sockets a moment after we start.
  for (1 .. 1200) {
    return peer($socket) if connect($socket, pack_sockaddr_un($path));
    select undef, undef, undef, 0.05;
  }
  die "$path: $!\n";
}

# False when the other end is gone.
sub fill {
  my ($peer) = @_;
  my $n = sysread $peer->{socket}, $peer->{in}, READ_BYTES, length $peer->{in};
  return defined $n ? $n > 0 : $!{EAGAIN} || $!{EINTR} || $!{EWOULDBLOCK};
}

sub flush {
  my ($peer) = @_;
  return 1 if $peer->{out} eq '';
  my $n = syswrite $peer->{socket}, $peer->{out};
  substr($peer->{out}, 0, $n, '') if defined $n;
  return defined $n || $!{EAGAIN} || $!{EINTR} || $!{EWOULDBLOCK};
}

# Calls back with type, id and payload of every whole frame that was read; false when these are no frames.
sub frames {
  my ($peer, $take) = @_;
  my $at = 0;
  while (length($peer->{in}) - $at >= HEADER) {
    my ($type, $flags, $id, $length) = unpack 'CCvV', substr $peer->{in}, $at, HEADER;
    return 0 if $flags != 0 || $length > MAX_PAYLOAD;
    last if length($peer->{in}) - $at < HEADER + $length;
    $take->($type, $id, substr $peer->{in}, $at + HEADER, $length);
    $at += HEADER + $length;
  }
  substr $peer->{in}, 0, $at, '';
  return 1;
}

# ---- the guest ----

my ($nonce, $heard) = (1 + int rand 0xffff_fffe, 0);

sub greet { $agent->{out} .= frame(HELLO, 0, pack('VV', VERSION, $nonce) . MAGIC) }

# The end of a frame to a former client may come first: the answer to our hello is found by its number. An agent that
# says hello unasked (number 0) saw us come only now, and may not have read ours.
sub await_hello {
  my $is_hello = sub { my ($number) = @_;
    for (my $at = -1; ($at = index $agent->{in}, pack('V', $number), $at + 1) >= 0;) {
      my $start = $at - HEADER - 4;
      next if $start < 0;
      my ($type, $flags, $id, $length) = unpack 'CCvV', substr $agent->{in}, $start, HEADER;
      return $start if $type == R_HELLO && $flags == 0 && $id == 0 && $length >= 12 && $length <= 77;
    }
    return -1;
  };
  my $start = $is_hello->($nonce);
  if ($start >= 0) {
    substr $agent->{in}, 0, $start, '';
    $heard = 1;
    ask($_) for map { @$_ } values %pings;
  } elsif (($start = $is_hello->(0)) >= 0) {
    substr $agent->{in}, 0, $start + 1, '';
    greet();
  } elsif (length $agent->{in} > MAX_PAYLOAD) {
    substr $agent->{in}, 0, -256, '';
  }
}

sub from_guest {
  my ($type, $id, $payload) = @_;
  if ($type == R_HELLO) {
    my $number = unpack 'x4V', $payload;
    # Unasked: another agent took the former one's place, and knows nothing of what was begun.
    die "the guest's agent started anew\n" if $number == 0;
    $_->{out} .= frame($type, 0, $payload) for @{ delete $pings{$number} // [] };
    return;
  }
  my ($client, $its_id) = @{ $owners{$id} // return };
  $client->{out} .= frame($type, $its_id, $payload);
  if (length $client->{out} > MAX_WAITING + MAX_COMMAND * keys %{ $client->{ids} }) { $client->{lost} = 1; return }
  return if $type != R_EXIT;
  delete $owners{$id};
  delete $client->{ids}{$its_id};
}

# ---- clients ----

sub ask { my ($client) = @_; $agent->{out} .= frame(PING, 0, pack 'V', $client->{nonce}) }

sub tell_state { my ($client) = @_; $client->{out} .= frame(R_STATE, 0, $state) }

sub new_id {
  do { $last_id = $last_id % MAX_ID + 1 } while exists $owners{$last_id};
  return $last_id;
}

sub from_client {
  my ($client, $type, $id, $payload) = @_;
  if ($type == HELLO) {
    $client->{nonce} = unpack 'x4V', $payload;
    push @{ $pings{ $client->{nonce} } }, $client;
    tell_state($client);
    ask($client) if $heard;
  } elsif ($type == POWEROFF || $type == RESIZE && $id == 0) {
    $agent->{out} .= frame($type, 0, $payload);
  } elsif ($type == EXEC && !exists $client->{ids}{$id}) {
    my $ours = new_id();
    $client->{ids}{$id} = $ours;
    $owners{$ours} = [$client, $id];
    $agent->{out} .= frame($type, $ours, $payload);
  } elsif (exists $client->{ids}{$id}) {
    $agent->{out} .= frame($type, $client->{ids}{$id}, $payload);
  }
}

sub leave {
  my ($client) = @_;
  for my $ours (values %{ $client->{ids} }) {
    delete $owners{$ours};
    $agent->{out} .= frame(HANG_UP, $ours, '');
  }
  if (defined $client->{nonce}) {
    my @others = grep { $_ != $client } @{ $pings{ $client->{nonce} } // [] };
    if (@others) { $pings{ $client->{nonce} } = \@others } else { delete $pings{ $client->{nonce} } }
  }
  delete $clients{ fileno $client->{socket} };
  close $client->{socket};
}

# ---- QEMU ----

# One JSON object per line; only two facts are of interest.
sub from_monitor {
  while ($monitor->{in} =~ s/^(.*)\n//) {
    my $line = $1;
    if ($line =~ /"QMP":/) {
      $monitor->{out} .= qq({"execute":"qmp_capabilities"}\n{"execute":"query-status"}\n);
    } elsif ($line =~ /"event": "(?:STOP|RESUME)"/) {
      $monitor->{out} .= qq({"execute":"query-status"}\n);
    } elsif ($line =~ /"status": "([a-z-]+)"/ && $1 ne $state) {
      $state = $1;
      tell_state($_) for grep { defined $_->{nonce} } values %clients;
    }
  }
}

# ---- life ----

$SIG{PIPE} = 'IGNORE';
unlink $listen_path;
socket(my $server, AF_UNIX, SOCK_STREAM, 0) or die "socket: $!\n";
bind($server, pack_sockaddr_un($listen_path)) or die "$listen_path: $!\n";
listen($server, 128) or die "$listen_path: $!\n";
$server->blocking(0);
$agent = dial($port_path);
$monitor = dial($monitor_path);
greet();

while (1) {
  my @all = ($agent, $monitor, values %clients);
  my $readers = IO::Select->new($server, $agent->{socket}, $monitor->{socket});
  $readers->add($_->{socket}) for length $agent->{out} < MAX_QUEUED ? values %clients : ();
  my $writers = IO::Select->new(map { $_->{socket} } grep { $_->{out} ne '' } @all);
  my ($readable, $writable) = IO::Select->select($readers, $writers, undef);
  my %ready = map { fileno($_) => 1 } @{ $readable // [] };

  while ($ready{ fileno $server } && accept my $socket, $server) {
    my $client = peer($socket);
    $clients{ fileno $socket } = { %$client, ids => {} };
  }
  if ($ready{ fileno $agent->{socket} }) {
    fill($agent) or die "QEMU closed the guest's port\n";
    await_hello() unless $heard;
    !$heard || frames($agent, \&from_guest) or die "the guest's agent sent nonsense\n";
  }
  if ($ready{ fileno $monitor->{socket} }) {
    fill($monitor) or die "QEMU closed the monitor\n";
    from_monitor();
  }
  for my $client (values %clients) {
    next unless $ready{ fileno $client->{socket} };
    my $is_there = fill($client);
    leave($client) unless frames($client, sub { from_client($client, @_) }) && $is_there;
  }
  flush($agent) or die "QEMU closed the guest's port\n";
  flush($monitor) or die "QEMU closed the monitor\n";
  for my $client (values %clients) { leave($client) unless flush($client) && !$client->{lost} }
}
