"""A filter of system calls, made by hand: a classic BPF program that the kernel runs before each call.

It is a list of what is refused, not of what is allowed. The walls are the empty root, the missing network and the limits;
the filter takes away the kernel's rarely used doors behind which its bugs have been, and the calls that would leave the
process tree. A refused call fails with EPERM, so a program that only tries goes on.

Sources: seccomp(2), linux/filter.h, linux/audit.h, the kernel's system call tables.
"""

from __future__ import annotations

import errno
import os
import struct

# struct seccomp_data: nr at 0, arch at 4, instruction pointer at 8, then six arguments of 8 bytes from 16 on.
NUMBER_AT, ARCH_AT, FIRST_ARGUMENT_AT = 0, 4, 16

LOAD_WORD = 0x20
JUMP_IF_EQUAL = 0x15
JUMP_IF_AT_LEAST = 0x35
JUMP_IF_ANY_BIT = 0x45
RETURN = 0x06

ALLOW = 0x7FFF0000
KILL_PROCESS = 0x80000000
REFUSE = 0x00050000 | errno.EPERM
UNKNOWN_CALL = 0x00050000 | errno.ENOSYS

CLONE_THREAD = 0x00010000
# Mount, cgroup, UTS, IPC, user, PID and network namespaces.
CLONE_NEW_ANY = 0x00020000 | 0x02000000 | 0x04000000 | 0x08000000 | 0x10000000 | 0x20000000 | 0x40000000

# (AUDIT_ARCH, clone, clone3, {refused calls})
X86_64 = {
    "socket": 41, "connect": 42, "bind": 49, "listen": 50, "accept": 43, "accept4": 288,
    "ptrace": 101, "process_vm_readv": 310, "process_vm_writev": 311, "kcmp": 312, "pidfd_getfd": 438,
    "mount": 165, "umount2": 166, "pivot_root": 155, "chroot": 161, "open_tree": 428, "move_mount": 429,
    "fsopen": 430, "fsconfig": 431, "fsmount": 432, "fspick": 433, "mount_setattr": 442,
    "unshare": 272, "setns": 308,
    "keyctl": 250, "add_key": 248, "request_key": 249,
    "bpf": 321, "perf_event_open": 298, "userfaultfd": 323,
    "io_uring_setup": 425, "io_uring_enter": 426, "io_uring_register": 427,
    "kexec_load": 246, "kexec_file_load": 320, "init_module": 175, "finit_module": 313, "delete_module": 176,
    "reboot": 169, "swapon": 167, "swapoff": 168, "acct": 163, "quotactl": 179, "syslog": 103,
    "settimeofday": 164, "clock_settime": 227, "adjtimex": 159, "clock_adjtime": 305,
    "sethostname": 170, "setdomainname": 171, "iopl": 172, "ioperm": 173, "modify_ldt": 154, "uselib": 134,
    "open_by_handle_at": 304, "name_to_handle_at": 303, "fanotify_init": 300, "lookup_dcookie": 212,
    "move_pages": 279, "mbind": 237, "set_mempolicy": 238, "migrate_pages": 256, "personality": 135,
    "memfd_secret": 447,
}  # fmt: skip
X86_64_PROCESSES = {
    "fork": 57, "vfork": 58, "setsid": 112, "setpgid": 109, "kill": 62, "tkill": 200, "rt_sigqueueinfo": 129,
    "rt_tgsigqueueinfo": 297, "pidfd_open": 434, "pidfd_send_signal": 424,
}  # fmt: skip

AARCH64 = {
    "socket": 198, "connect": 203, "bind": 200, "listen": 201, "accept": 202, "accept4": 242,
    "ptrace": 117, "process_vm_readv": 270, "process_vm_writev": 271, "kcmp": 272, "pidfd_getfd": 438,
    "mount": 40, "umount2": 39, "pivot_root": 41, "chroot": 51, "open_tree": 428, "move_mount": 429,
    "fsopen": 430, "fsconfig": 431, "fsmount": 432, "fspick": 433, "mount_setattr": 442,
    "unshare": 97, "setns": 268,
    "keyctl": 219, "add_key": 217, "request_key": 218,
    "bpf": 280, "perf_event_open": 241, "userfaultfd": 282,
    "io_uring_setup": 425, "io_uring_enter": 426, "io_uring_register": 427,
    "kexec_load": 104, "kexec_file_load": 294, "init_module": 105, "finit_module": 273, "delete_module": 106,
    "reboot": 142, "swapon": 224, "swapoff": 225, "acct": 89, "quotactl": 60, "syslog": 116,
    "settimeofday": 170, "clock_settime": 112, "adjtimex": 171, "clock_adjtime": 266,
    "sethostname": 161, "setdomainname": 162,
    "open_by_handle_at": 265, "name_to_handle_at": 264, "fanotify_init": 262, "lookup_dcookie": 18,
    "move_pages": 239, "mbind": 235, "set_mempolicy": 237, "migrate_pages": 238, "personality": 92,
    "memfd_secret": 447,
}  # fmt: skip
AARCH64_PROCESSES = {
    "setsid": 157, "setpgid": 154, "kill": 129, "tkill": 130, "rt_sigqueueinfo": 138, "rt_tgsigqueueinfo": 240,
    "pidfd_open": 434, "pidfd_send_signal": 424,
}  # fmt: skip

# machine: (AUDIT_ARCH, number of clone, number of clone3, always refused, refused unless processes are allowed)
MACHINES = {
    "x86_64": (0xC000003E, 56, 435, X86_64, X86_64_PROCESSES),
    "aarch64": (0xC00000B7, 220, 435, AARCH64, AARCH64_PROCESSES),
}
# On x86-64 the same calls exist a second time, for the x32 programs that nobody runs, from this number on.
X32_FROM = 0x40000000


class UnknownMachine(Exception):
    """There is no table of system calls for this kind of processor."""


def program(*, processes: bool = False, machine: str | None = None) -> bytes:
    """The filter as the kernel takes it: 8 bytes an instruction. With `processes` the program may start others.

    Raises UnknownMachine.
    """
    machine = machine or os.uname().machine
    if machine not in MACHINES:
        raise UnknownMachine(machine)
    arch, clone, clone3, always, unless_processes = MACHINES[machine]
    refused = sorted(set(always.values()) | (set() if processes else set(unless_processes.values())))
    code = [
        (LOAD_WORD, 0, 0, ARCH_AT),
        (JUMP_IF_EQUAL, 1, 0, arch),
        (RETURN, 0, 0, KILL_PROCESS),
        (LOAD_WORD, 0, 0, NUMBER_AT),
    ]
    if machine == "x86_64":
        code += [(JUMP_IF_AT_LEAST, 0, 1, X32_FROM), (RETURN, 0, 0, REFUSE)]
    # clone3 keeps its flags in memory that a filter cannot read. Told that it does not exist, glibc uses clone.
    code += [(JUMP_IF_EQUAL, 0, 1, clone3), (RETURN, 0, 0, UNKNOWN_CALL)]
    for number in refused:
        code += [(JUMP_IF_EQUAL, 0, 1, number), (RETURN, 0, 0, REFUSE)]
    code += [(JUMP_IF_EQUAL, 1, 0, clone), (RETURN, 0, 0, ALLOW), (LOAD_WORD, 0, 0, FIRST_ARGUMENT_AT)]
    code += [(JUMP_IF_ANY_BIT, 0, 1, CLONE_NEW_ANY), (RETURN, 0, 0, REFUSE)]
    if not processes:
        # A thread is allowed, a process is not: then killing one process ends all there is.
        code += [(JUMP_IF_ANY_BIT, 1, 0, CLONE_THREAD), (RETURN, 0, 0, REFUSE)]
    code += [(RETURN, 0, 0, ALLOW)]
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in code)
