#!/bin/sh
# pack.sh — merges what makes up the guest's root file system and packs it as an initramfs: /out/rootfs.cpio.
# root-tree.ts and src/archive/cpio.ts do the same for the CLI; a test holds the two against each other, byte for byte.
#
# What goes in, later ones winning:
#   1. empty folders: dev mnt proc root run sys tmp, which /init mounts on, and lib for a kernel's modules
#   2. /out/install          busybox and its links (`make install`)
#   3. tree/ beside this     /init and what it needs
#   4. /out/kdock-agent      as /usr/sbin/kdock-agent
#   5. /overlay              the user's files, if there are any: everything but links, then the links
#   6. /init/*               as executables in /etc/kdock/init.d: the scripts of rootfs.init
#      KDOCK_STRICT=true     rootfs.strict: an empty /etc/kdock/strict
#   A folder over a folder merges. A link over a folder takes its place, and what was in the folder goes to where the link
#   leads, below what is there. Anything else takes the place of what was there. Folders are reached through links.
#
# The same input gives the same bytes everywhere:
#   - Entries are sorted by path, bytewise, without "./"; there is no entry for the root folder itself.
#   - Modes of 1 to 4 and 6 are normalised: folders 0755; files 0755 if their owner may execute them, else 0644. Those of 5
#     are kept, but that 0664 and 0775 become 0644 and 0755: that is what another umask makes of them. Links 0777.
#   - Owner and group 0, every mtime 0. Names of one file in /overlay stay names of one file.
#   - Format newc as GNU cpio writes it: 8 upper-case hex digits per field, check field 0; inode numbers counted up in
#     order of the entries from 0, names of one file having the first one's; nlink the number of names, for folders 2;
#     a file's content with the last of its names; TRAILER!!! has inode 0 and nlink 1;
#     names with their NUL and contents are padded to 4 bytes; the whole is padded with zeroes to 512 bytes.
#
# pack.pl does it: device nodes, and names with any bytes, have to get into the archive without being made here.
exec perl "$(dirname "$0")/pack.pl"
