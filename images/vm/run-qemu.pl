# run-qemu.pl RECORD QEMU ARGUMENT... — the container's first process from here on: starts QEMU with the same terminal and the
# same open files, passes signals on, and writes to RECORD how QEMU ended. It ends with QEMU's exit code, 128 + N for signal N.
#
# A guest can write whatever it likes to its console. What QEMU says on a monitor it cannot: that the kernel panicked
# (GUEST_PANICKED, by pvpanic), and why the machine ended (SHUTDOWN). The monitor is there before the first instruction,
# and is read to its end, so no event is lost. RECORD is JSON on one line, replaced as a whole (vm-end.ts reads it):
#   {"panicked":false,"reason":"guest-shutdown","mayPanicSilently":false,"exitCode":0,"signal":null}
# The last two are null while QEMU runs.
#
#   KDOCK_PANIC_DRIVER  what the kernel has for pvpanic: "none", a driver that is loaded "before-agent" (the guest's agent
#                       opens its port, which QEMU tells: VSERPORT_CHANGE), or "before-init", as if nothing is said
#   KDOCK_AGENT_DEVICE  QEMU's name for that port
#
# No modules: they would take longer to load than all of this takes to run.
use strict;
use warnings;

use constant { AF_UNIX => 1, SOCK_STREAM => 1, WNOHANG => 1, EINTR => 4 };
use constant { READ_BYTES => 1 << 16, MAX_LINE => 1 << 20 };

my ($record, @qemu) = @ARGV;
my ($panicked, $reason, $pid, $status, $pending) = (0, undef, undef, undef, undef);
my $driver = $ENV{KDOCK_PANIC_DRIVER} // 'before-init';
my $agent = $ENV{KDOCK_AGENT_DEVICE};
my $silent = $driver ne 'before-init';

sub note {
  my ($exit, $signal) = defined $status ? ($status >> 8, $status & 127) : (undef, undef);
  my $number = sub { defined $_[0] ? $_[0] : 'null' };
  open my $file, '>', "$record.part" or return;
  printf $file qq({"panicked":%s,"reason":%s,"mayPanicSilently":%s,"exitCode":%s,"signal":%s}\n), $panicked ? 'true' : 'false',
    defined $reason ? qq("$reason") : 'null', $silent ? 'true' : 'false', $number->($signal ? undef : $exit), $number->($signal || undef);
  close $file and rename "$record.part", $record;
}

# The first process of a container gets no signal that it does not ask for.
for my $name (qw(TERM INT HUP QUIT)) {
  $SIG{$name} = sub { if (defined $pid) { kill $name, $pid } else { $pending = $name } };
}
$SIG{PIPE} = 'IGNORE';

$| = 1;
note();
# After this line a "[kdock]" on the console is the guest's text and means nothing (console-state.ts).
print "[kdock] QEMU starts: what follows is the guest's\r\n";

# Perl closes what it opens above this number when another program takes its place.
$^F = 1 << 20;
socketpair(my $ours, my $theirs, AF_UNIX, SOCK_STREAM, 0) or die "socketpair: $!\n";
$pid = fork // die "fork: $!\n";
if ($pid == 0) {
  $SIG{PIPE} = 'DEFAULT';
  close $ours;
  my $number = fileno $theirs;
  exec { $qemu[0] } @qemu, '-chardev', "socket,id=kdock-end,fd=$number", '-mon', 'chardev=kdock-end,mode=control'
    or print "[kdock] error: $qemu[0]: $!\r\n";
  exit 127;
}
kill $pending, $pid if defined $pending;
close $theirs;
# Close the inherited descriptors of disks and taps: their locks and links have to end with QEMU, not with this process.
if (opendir my $folder, '/proc/self/fd') {
  my @numbers = grep { /^\d+$/ && $_ > 2 && $_ != fileno $ours } readdir $folder;
  closedir $folder;
  for my $number (@numbers) { if (open my $file, '<&=', $number) { close $file } }
}
syswrite $ours, qq({"execute":"qmp_capabilities"}\n);

# Orphans of the container are this process's as well.
sub reap { while ((my $ended = waitpid -1, $_[0]) > 0) { if ($ended == $pid) { $status = $?; return } } }

my ($in, $open) = ('', 1);
while ($open) {
  vec(my $ready = '', fileno $ours, 1) = 1;
  # Perl runs a signal's handler after the call that it interrupts: one that comes just before waits for a second at most.
  if ((select $ready, undef, undef, 1) > 0) {
    my $n = sysread $ours, $in, READ_BYTES, length $in;
    $open = 0 if defined $n ? $n == 0 : $! != EINTR;
    while ($in =~ s/^(.*)\n//) {
      my $line = $1;
      if ($line =~ /"event": "GUEST_PANICKED"/) { $panicked = 1; note() }
      if ($silent && $driver ne 'none' && $line =~ /"event": "VSERPORT_CHANGE"/ && $line =~ /"id": "\Q$agent\E"/ && $line =~ /"open": true/) {
        $silent = 0;
        note();
      }
      if ($line =~ /"event": "SHUTDOWN".*"reason": "([a-z-]+)"/) { $reason = $1 }
    }
    $in = '' if length $in > MAX_LINE;
  }
  reap(WNOHANG) unless defined $status;
}
# Interrupted by signals that are passed on.
reap(0) until defined $status;
note();
exit($status & 127 ? 128 + ($status & 127) : $status >> 8);
