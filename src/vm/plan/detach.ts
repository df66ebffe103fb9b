/** Ctrl-], as telnet and virsh have it. */
export const DETACH_BYTE = 0x1d;
