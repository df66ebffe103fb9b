"""Data: kernel functions that were renamed, and since which version, from the kernel's history.

An entry is used when a vmlinux has one name and not the other, so a wrong version would make a wrong note, but not a
wrong stop.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Rename:
    """`old` is called `new` since Linux `since`."""

    old: str
    new: str
    since: str


RENAMES: tuple[Rename, ...] = (
    # Processes and programs.
    Rename("do_fork", "_do_fork", "4.2"),
    Rename("_do_fork", "kernel_clone", "5.10"),
    Rename("do_execve_common", "do_execveat_common", "3.19"),
    Rename("__do_execve_file", "do_execveat_common", "5.9"),
    Rename("__send_signal", "__send_signal_locked", "5.19"),
    Rename("send_signal", "send_signal_locked", "5.19"),
    # Files.
    Rename("do_sys_open", "do_sys_openat2", "5.6"),
    Rename("do_last", "open_last_lookups", "5.7"),
    # Memory.
    Rename("do_mmap_pgoff", "do_mmap", "5.9"),
    Rename("__alloc_pages_nodemask", "__alloc_pages", "5.13"),
    Rename("probe_kernel_read", "copy_from_kernel_nofault", "5.8"),
    Rename("probe_kernel_write", "copy_to_kernel_nofault", "5.8"),
    Rename("probe_user_read", "copy_from_user_nofault", "5.8"),
    # Block devices.
    Rename("generic_make_request", "submit_bio_noacct", "5.9"),
    Rename("blk_mq_make_request", "blk_mq_submit_bio", "5.9"),
    # The network.
    Rename("kfree_skb", "kfree_skb_reason", "5.17"),
    Rename("kfree_skb_reason", "sk_skb_reason_drop", "6.11"),
    # Scheduling and time.
    Rename("scheduler_tick", "sched_tick", "6.10"),
    Rename("run_rebalance_domains", "sched_balance_softirq", "6.10"),
    Rename("rebalance_domains", "sched_balance_domains", "6.10"),
    Rename("load_balance", "sched_balance_rq", "6.10"),
    Rename("newidle_balance", "sched_balance_newidle", "6.10"),
    Rename("trigger_load_balance", "sched_balance_trigger", "6.10"),
    Rename("find_busiest_group", "sched_balance_find_src_group", "6.10"),
    Rename("find_busiest_queue", "sched_balance_find_src_rq", "6.10"),
    Rename("del_timer", "timer_delete", "6.2"),
    Rename("del_timer_sync", "timer_delete_sync", "6.2"),
    # Messages.
    Rename("printk", "_printk", "5.15"),
    # x86's entry code, rewritten in 5.8. Other architectures kept do_page_fault, which is used if it exists.
    Rename("do_page_fault", "exc_page_fault", "5.8"),
    Rename("do_general_protection", "exc_general_protection", "5.8"),
    Rename("do_invalid_op", "exc_invalid_op", "5.8"),
    Rename("do_divide_error", "exc_divide_error", "5.8"),
    Rename("do_double_fault", "exc_double_fault", "5.8"),
    Rename("do_nmi", "exc_nmi", "5.8"),
    Rename("do_debug", "exc_debug", "5.8"),
    Rename("do_IRQ", "common_interrupt", "5.8"),
    Rename("smp_apic_timer_interrupt", "sysvec_apic_timer_interrupt", "5.8"),
    Rename("smp_reschedule_interrupt", "sysvec_reschedule_ipi", "5.8"),
    Rename("smp_call_function_interrupt", "sysvec_call_function", "5.8"),
)

#: Prefixes of a system call's functions before 4.17 ...
SYSCALL_OLD = ("sys_", "SyS_")
#: ... and since then: with pt_regs (by architecture), with longs, with the declared arguments.
SYSCALL_NEW = ("__x64_sys_", "__arm64_sys_", "__riscv_sys_", "__s390x_sys_", "__se_sys_", "__do_sys_", "__ia32_sys_")
COMPAT_OLD = ("compat_sys_", "compat_SyS_")
COMPAT_NEW = ("__ia32_compat_sys_", "__x64_compat_sys_", "__arm64_compat_sys_", "__se_compat_sys_", "__do_compat_sys_")
SYSCALLS_SINCE = "4.17"

#: Since 6.10 allocators are macros for memory profiling, around functions with this suffix.
NOPROF = "_noprof"
NOPROF_SINCE = "6.10"
