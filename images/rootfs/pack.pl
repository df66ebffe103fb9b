#!/usr/bin/perl
# pack.pl — writes /out/rootfs.cpio; pack.sh tells what of, and what its bytes depend on.
use strict;
use warnings;
use File::Basename qw(dirname);

use constant { FILE => 0100000, FOLDER => 0040000, LINK => 0120000, CHARACTER => 0020000, BLOCK => 0060000, FIFO => 0010000 };
use constant { TYPE => 0170000, MAX_LINKS => 40, MAX_PATH => 4096, MAX_FILE => 0xffffffff };

$SIG{INT} = $SIG{TERM} = sub { unlink '/out/rootfs.cpio.new'; exit 130 };

sub fail { print STDERR "error: @_\n"; exit 64 }

# A node is { type, mode, ... }; a folder has { children }, a link { target }, a file { from, size, id }, a device { major, minor }.
sub folder { return { type => FOLDER, mode => $_[0] // 0755, children => {} } }

my $root = folder();

# The folders from the root to where a path leads, as the kernel finds it; undef for none. `make` makes what is not there.
sub find_folder {
    my ($from, $path, $make, $links) = @_;
    my @place = $path =~ m{^/} ? ($root) : @$from;
    for my $part (split m{/}, $path) {
        next if $part eq '' || $part eq '.';
        if ($part eq '..') { pop @place if @place > 1; next }
        my $child = $place[-1]{children}{$part};
        if (!$child && $make) { $child = $place[-1]{children}{$part} = folder() }
        return undef unless $child;
        if ($child->{type} == FOLDER) { push @place, $child; next }
        return undef if $child->{type} != LINK || --$$links < 0;
        my $next = find_folder(\@place, $child->{target}, $make, $links) or return undef;
        @place = @$next;
    }
    return \@place;
}

# What the guest would open.
sub resolve {
    my ($from, $path, $links) = @_;
    my @parts = grep { $_ ne '' } split m{/}, $path;
    my $name = pop(@parts) // return undef;
    my $start = $path =~ m{^/} ? [$root] : $from;
    my $parent = find_folder($start, join('/', @parts), 0, $links) or return undef;
    my $found = $parent->[-1]{children}{$name};
    return $found unless $found && $found->{type} == LINK;
    return undef if --$$links < 0;
    my $there = resolve($parent, $found->{target}, $links);
    return $there if $there;
    my $place = find_folder($parent, $found->{target}, 0, $links);
    return $place ? $place->[-1] : undef;
}

sub add {
    my ($path, $node) = @_;
    my @parts = split m{/}, $path;
    my $name = pop @parts;
    my $place = [$root];
    for my $part (@parts) {
        my $links = MAX_LINKS;
        my $next = find_folder($place, $part, 1, \$links);
        if (!$next) {
            my $folder = $place->[-1]{children}{$part} = folder();
            $next = [@$place, $folder];
        }
        $place = $next;
    }
    my $here = $place->[-1]{children};
    my $there = $here->{$name};
    if ($node->{type} == FOLDER) {
        my $links = MAX_LINKS;
        my $folder = $there ? find_folder($place, $name, 0, \$links) : undef;
        if ($folder) { $folder->[-1]{mode} = $node->{mode} } else { $here->{$name} = $node }
        return;
    }
    $here->{$name} = $node;
    return if $node->{type} != LINK || !$there || $there->{type} != FOLDER || !%{ $there->{children} };
    my $links = MAX_LINKS;
    my $to = find_folder($place, $node->{target}, 1, \$links)
        or fail("rootfs.overlay: $path is a link to $node->{target}, which is no folder, where the guest's root has a folder");
    merge($there, $to->[-1], [split m{/}, $path], 0);
}

# What `to` has already stays. `at` is where `from` was, `depth` how far below the folder that is moved.
sub merge {
    my ($from, $to, $at, $depth) = @_;
    for my $name (keys %{ $from->{children} }) {
        my $child = $from->{children}{$name};
        my $there = $to->{children}{$name};
        if (!$there) {
            if ($child->{type} == LINK) { $child->{target} = moved_target($child->{target}, $at, $depth) }
            if ($child->{type} != FOLDER) { $to->{children}{$name} = $child; next }
            $there = $to->{children}{$name} = folder($child->{mode});
        }
        merge($child, $there, [@$at, $name], $depth + 1) if $child->{type} == FOLDER && $there->{type} == FOLDER;
    }
}

# Links that lead out of what is moved lead where they did.
sub moved_target {
    my ($target, $at, $depth) = @_;
    return $target if $target =~ m{^/};
    my @path = @$at;
    my $is_inside = 1;
    for my $part (split m{/}, $target) {
        next if $part eq '' || $part eq '.';
        if ($part eq '..') { pop @path } else { push @path, $part }
        $is_inside = 0 if @path < @$at - $depth;
    }
    return $is_inside ? $target : '/' . join('/', @path);
}

sub normal_mode { return $_[0] & 0100 ? 0755 : 0644 }
sub guest_mode { return $_[0] == 0664 ? 0644 : $_[0] == 0775 ? 0755 : $_[0] }

# What is below a folder, as [path, node]; of the user's with their modes.
sub read_tree {
    my ($top, $is_users) = @_;
    my @found;
    my @folders = ('');
    while (defined(my $folder = shift @folders)) {
        opendir my $handle, "$top/$folder" or fail("cannot read $top/$folder: $!");
        for my $name (readdir $handle) {
            next if $name eq '.' || $name eq '..';
            my $path = $folder eq '' ? $name : "$folder/$name";
            push @found, [$path, node("$top/$path", $is_users)];
            push @folders, $path if $found[-1][1]{type} == FOLDER;
        }
    }
    return sort { $a->[0] cmp $b->[0] } @found;
}

sub node {
    my ($full, $is_users) = @_;
    my ($dev, $ino, $mode, $nlink, undef, undef, $rdev, $size) = lstat $full or fail("cannot read $full: $!");
    my $type = $mode & TYPE;
    my $bits = $is_users ? guest_mode($mode & 07777) : $type == FOLDER ? 0755 : normal_mode($mode);
    if ($type == LINK) { return { type => LINK, mode => 0777, target => readlink($full) // fail("cannot read $full: $!") } }
    if ($type == FOLDER) { return folder($bits) }
    if ($type == FILE) {
        fail("$full is larger than 4 GiB: an initramfs holds no such file") if $size > MAX_FILE;
        my $id = $is_users && $nlink > 1 ? "$dev:$ino" : $full;
        return { type => FILE, mode => $bits, from => $full, size => $size, id => $id };
    }
    if ($type == CHARACTER || $type == BLOCK) {
        my $major = (($rdev >> 8) & 0xfff) | (($rdev >> 32) & 0xfffff000);
        my $minor = ($rdev & 0xff) | (($rdev >> 12) & 0xffffff00);
        return { type => $type, mode => $bits, major => $major, minor => $minor };
    }
    if ($type == FIFO) { return { type => FIFO, mode => $bits } }
    fail("rootfs.overlay: $full is a socket: in the guest nothing would listen to it");
}

# The kernel must be able to start /init; guest-init.ts asks the same.
sub check_init {
    my $links = MAX_LINKS * 3;
    fail("rootfs.overlay has etc/inittab, and the root no /sbin/init, which would read it")
        if resolve([$root], 'etc/inittab', \$links) && !resolve([$root], 'sbin/init', \$links);
    my $init = resolve([$root], 'init', \$links) or fail("the guest's /init is a link to what is not in the root");
    fail("the guest's /init is no file") if $init->{type} != FILE;
    fail(sprintf "the guest's /init is not executable (mode %04o)", $init->{mode}) unless $init->{mode} & 0111;
    open my $file, '<:raw', $init->{from} or fail("cannot read $init->{from}: $!");
    read $file, my $head, 256;
    my ($line) = split /\n/, $head, 2;
    return unless ($line // '') =~ /^#![ \t]*([^ \t]+)/;
    my $shell = $1;
    fail("the guest's /init has the line ends of Windows (CRLF)") if $shell =~ /\r$/;
    $links = MAX_LINKS;
    my $found = resolve([$root], $shell, \$links);
    fail("the guest's /init needs $shell, which the root has not, or not as a program")
        unless $found && $found->{type} == FILE && $found->{mode} & 0111;
}

# Every entry with its path, in no particular order.
sub entries {
    my ($folder, $above) = @_;
    my @found;
    for my $name (keys %{ $folder->{children} }) {
        my $child = $folder->{children}{$name};
        push @found, [$above . $name, $child];
        push @found, entries($child, "$above$name/") if $child->{type} == FOLDER;
    }
    return @found;
}

my ($out, $written) = (undef, 0);

sub put {
    print $out $_[0] or fail("cannot write /out/rootfs.cpio: $!");
    $written += length $_[0];
}

sub pad { put("\0" x (-$written % 4)) }

sub put_header {
    my ($name, $ino, $mode, $nlink, $size, $major, $minor) = @_;
    my @numbers = ($ino, $mode, 0, 0, $nlink, 0, $size, 0, 0, $major, $minor, length($name) + 1, 0);
    put('070701' . join('', map { sprintf '%08X', $_ } @numbers) . "$name\0");
    pad();
}

sub put_file {
    my ($node) = @_;
    open my $file, '<:raw', $node->{from} or fail("cannot read $node->{from}: $!");
    my $size = 0;
    while (my $read = read $file, my $bytes, 1 << 18) {
        put($bytes);
        $size += $read;
    }
    fail("$node->{from} was to have $node->{size} bytes and has $size: it was written to meanwhile; try again") if $size != $node->{size};
    pad();
}

sub pack_root {
    my @all = sort { $a->[0] cmp $b->[0] } entries($root, '');
    my (%first, %names);
    for my $number (0 .. $#all) {
        my $id = $all[$number][1]{id} // next;
        $first{$id} //= $number;
        $names{$id}++;
    }
    my %left = %names;
    for my $number (0 .. $#all) {
        my ($path, $node) = @{ $all[$number] };
        my ($type, $mode) = ($node->{type}, $node->{type} | $node->{mode});
        my $target = $node->{target} // '';
        fail("the name or target of $path is too long for an initramfs") if length $path >= MAX_PATH || length $target >= MAX_PATH;
        if ($type == FILE) {
            my $id = $node->{id};
            my $is_last = --$left{$id} == 0;
            put_header($path, $first{$id}, $mode, $names{$id}, $is_last ? $node->{size} : 0, 0, 0);
            put_file($node) if $is_last;
        } elsif ($type == LINK) {
            put_header($path, $number, $mode, 1, length $target, 0, 0);
            put($target);
            pad();
        } else {
            put_header($path, $number, $mode, $type == FOLDER ? 2 : 1, 0, $node->{major} // 0, $node->{minor} // 0);
        }
    }
    put_header('TRAILER!!!', 0, 0, 1, 0, 0, 0);
    put("\0" x (-$written % 512));
}

add($_, folder()) for qw(dev lib mnt proc root run sys tmp);
add(@$_) for read_tree('/out/install'), read_tree(dirname($0) . '/tree');
add('usr/sbin/kdock-agent', { %{ node('/out/kdock-agent') }, mode => 0755 });
if (-d '/overlay') {
    my @users = read_tree('/overlay', 1);
    add(@$_) for grep { $_->[1]{type} != LINK } @users;
    add(@$_) for grep { $_->[1]{type} == LINK } @users;
}
# A link is followed: what compose mounts there is a file.
for my $script (sort glob '/init/*') {
    next unless -f $script;
    (my $name = $script) =~ s{.*/}{};
    add("etc/kdock/init.d/$name", { %{ node($script) }, mode => 0755 });
}
if (($ENV{KDOCK_STRICT} // '') eq 'true') {
    add('etc/kdock/strict', { type => FILE, mode => 0644, from => '/dev/null', size => 0, id => '/dev/null' });
}
check_init();

open $out, '>:raw', '/out/rootfs.cpio.new' or fail("cannot write /out/rootfs.cpio: $!");
pack_root();
close $out or fail("cannot write /out/rootfs.cpio: $!");
rename '/out/rootfs.cpio.new', '/out/rootfs.cpio' or fail("cannot write /out/rootfs.cpio: $!");
print "==> rootfs.cpio $written bytes\n";
