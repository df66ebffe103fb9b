# plt32.pl FILE — renames the relocations of type R_X86_64_PLT32 in FILE, a 64-bit ELF file, to R_X86_64_PC32, in place; see
# ld.sh. Only sections that are loaded have them: those of debug information are left alone, which are the most by far.
use strict;
use warnings;

use constant { SHT_RELA => 4, SHF_ALLOC => 2, PC32 => 2, PLT32 => 4, ENTRY => 24 };

my ($name) = @ARGV;
open my $file, '+<:raw', $name or die "plt32.pl: $name: $!\n";

sub bytes {
  my ($from, $length) = @_;
  seek $file, $from, 0 or die "plt32.pl: $name: $!\n";
  my $bytes = '';
  my $got = read $file, $bytes, $length;
  die "plt32.pl: $name: it ends too early\n" unless defined $got && $got == $length;
  return $bytes;
}

my $header = bytes(0, 64);
die "plt32.pl: $name is no 64-bit ELF file\n" unless $header =~ /^\x7fELF\x02\x01/;
my ($table, $size, $count) = unpack 'x40 Q< x10 S< S<', $header;
# More sections than the field can say are told in the first one.
$count = unpack 'x32 Q<', bytes($table, $size) if $count == 0 && $table != 0;
my @sections = map {
  my ($type, $flags, $at, $length, $of) = unpack 'x4 L< Q< x8 Q< Q< x4 L<', bytes($table + $_ * $size, $size);
  { type => $type, flags => $flags, at => $at, length => $length, of => $of };
} 0 .. $count - 1;

for my $section (grep { $_->{type} == SHT_RELA } @sections) {
  my $target = $sections[$section->{of}];
  next unless $target && $target->{flags} & SHF_ALLOC;
  my $bytes = bytes($section->{at}, $section->{length});
  my @types = unpack '(x8 L< x12)*', $bytes;
  my @renamed = grep { $types[$_] == PLT32 } 0 .. $#types;
  next unless @renamed;
  substr $bytes, $_ * ENTRY + 8, 4, pack 'L<', PC32 for @renamed;
  seek $file, $section->{at}, 0 or die "plt32.pl: $name: $!\n";
  print {$file} $bytes or die "plt32.pl: $name: $!\n";
}
close $file or die "plt32.pl: $name: $!\n";
