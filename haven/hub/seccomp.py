"""Which system calls a sandboxed process may make: two mandatory filters, loaded by bwrap before the first line of a researcher's code.

Guaranteed: a call that is not named in `ALLOWED` does not happen, whatever the age of this libseccomp or of the kernel. The first filter
is an allow list whose default is ENOSYS, the answer an older kernel would give, so programs fall back. A name that this libseccomp does
not know therefore stays closed, and so does a call that a newer kernel adds: not knowing is never a way in. `REFUSED` only makes the
usual refusals say "not permitted" instead of "not implemented". The second filter looks at arguments; the kernel enforces the stricter.

Arguments are compared under a 32-bit mask wherever the kernel itself reads only 32 bits of the register: an exact 64-bit comparison
could be stepped over by setting a high bit.
"""

import errno
import os

import pyseccomp

from haven.errors import Code, Fault

ALLOWED = """
read write open close stat fstat lstat poll lseek mmap mprotect munmap brk rt_sigaction rt_sigprocmask rt_sigreturn ioctl pread64
pwrite64 readv writev access pipe select sched_yield mremap msync mincore madvise shmget shmat shmctl dup dup2 pause nanosleep getitimer
alarm setitimer getpid sendfile socket connect accept sendto recvfrom sendmsg recvmsg shutdown bind listen getsockname getpeername
socketpair setsockopt getsockopt clone fork vfork execve exit wait4 kill uname semget semop semctl shmdt msgget msgsnd msgrcv msgctl
fcntl flock fsync fdatasync truncate ftruncate getdents getcwd chdir fchdir rename mkdir rmdir creat link unlink symlink readlink chmod
fchmod chown fchown lchown umask gettimeofday getrlimit getrusage sysinfo times getuid getgid setuid setgid geteuid getegid setpgid
getppid getpgrp setsid setreuid setregid getgroups setgroups setresuid getresuid setresgid getresgid getpgid setfsuid setfsgid getsid
capget capset rt_sigpending rt_sigtimedwait rt_sigqueueinfo rt_sigsuspend sigaltstack utime statfs fstatfs getpriority setpriority
sched_setparam sched_getparam sched_setscheduler sched_getscheduler sched_get_priority_max sched_get_priority_min sched_rr_get_interval
mlock munlock mlockall munlockall prctl arch_prctl setrlimit sync gettid readahead setxattr lsetxattr fsetxattr getxattr lgetxattr
fgetxattr listxattr llistxattr flistxattr removexattr lremovexattr fremovexattr tkill time futex sched_setaffinity sched_getaffinity
set_thread_area get_thread_area epoll_create remap_file_pages getdents64 set_tid_address restart_syscall semtimedop fadvise64
timer_create timer_settime timer_gettime timer_getoverrun timer_delete clock_gettime clock_getres clock_nanosleep exit_group epoll_wait
epoll_ctl tgkill utimes mq_open mq_unlink mq_timedsend mq_timedreceive mq_notify mq_getsetattr waitid ioprio_set ioprio_get inotify_init
inotify_add_watch inotify_rm_watch openat mkdirat fchownat futimesat newfstatat unlinkat renameat linkat symlinkat readlinkat fchmodat
faccessat pselect6 ppoll set_robust_list get_robust_list splice tee sync_file_range utimensat epoll_pwait signalfd timerfd_create
eventfd fallocate timerfd_settime timerfd_gettime accept4 signalfd4 eventfd2 epoll_create1 dup3 pipe2 inotify_init1 preadv pwritev
rt_tgsigqueueinfo recvmmsg prlimit64 sendmmsg syncfs getcpu get_mempolicy sched_setattr sched_getattr renameat2 seccomp getrandom
memfd_create execveat membarrier mlock2 copy_file_range preadv2 pwritev2 pkey_mprotect pkey_alloc pkey_free statx rseq pidfd_send_signal
pidfd_open close_range openat2 faccessat2 epoll_pwait2 landlock_create_ruleset landlock_add_rule landlock_restrict_self futex_waitv
cachestat fchmodat2 futex_wake futex_wait futex_requeue mseal mknod mknodat
""".split()  # noqa: SIM905 - a block of names reads better than a column of strings

REFUSED = """
_sysctl acct add_key adjtimex bpf chroot clock_adjtime clock_settime create_module delete_module fanotify_init fanotify_mark
finit_module fsconfig fsmount fsopen fspick get_kernel_syms init_module io_uring_enter io_uring_register io_uring_setup ioperm iopl kcmp
kexec_file_load kexec_load keyctl listmount lookup_dcookie mbind memfd_secret migrate_pages modify_ldt mount mount_setattr move_mount
move_pages name_to_handle_at nfsservctl open_by_handle_at open_tree perf_event_open personality pidfd_getfd pivot_root process_madvise
process_mrelease process_vm_readv process_vm_writev ptrace query_module quotactl quotactl_fd reboot request_key set_mempolicy
set_mempolicy_home_node setdomainname sethostname setns settimeofday statmount swapoff swapon sysfs syslog umount2 unshare uselib
userfaultfd ustat vhangup vmsplice
""".split()  # noqa: SIM905 - a block of names reads better than a column of strings

_LOW_32_BITS = 0xFFFF_FFFF
# mount, cgroup, UTS, IPC, user, PID and network; CLONE_NEWTIME shares its bit with clone()'s exit signal, so only unshare() takes it
_NAMESPACE_FLAGS = (0x0002_0000, 0x0200_0000, 0x0400_0000, 0x0800_0000, 0x1000_0000, 0x2000_0000, 0x4000_0000)
_TERMINAL_INJECTION = (0x5412, 0x541C)  # TIOCSTI and TIOCLINUX type into the terminal that started the hub
_UNIX, _INET, _INET6, _NETLINK = 1, 2, 10, 16
_SOCK_RAW, _SOCK_PACKET, _SOCK_TYPE_BITS = 3, 10, 0xF


def allow_list() -> bytes:
    """The first filter as a BPF program: what is not in `ALLOWED` answers ENOSYS, or EPERM where it is in `REFUSED`."""
    rules = pyseccomp.SyscallFilter(defaction=pyseccomp.ERRNO(errno.ENOSYS))
    for names, action in ((ALLOWED, pyseccomp.ALLOW), (REFUSED, pyseccomp.ERRNO(errno.EPERM))):
        for name in names:
            # a negative number: unknown here, or not a call of this architecture; the default keeps it closed
            if (number := pyseccomp.resolve_syscall(pyseccomp.Arch.NATIVE, name)) >= 0:
                rules.add_rule(action, number)
    return _program(rules)


def argument_rules() -> bytes:
    """The second filter: no new namespaces, no typing into terminals, sockets of four families only and none of them raw."""
    rules = pyseccomp.SyscallFilter(defaction=pyseccomp.ALLOW)
    for flag in _NAMESPACE_FLAGS:
        rules.add_rule(pyseccomp.ERRNO(errno.EPERM), "clone", _bits(0, flag, flag))
    # the flags of clone3 lie behind a pointer that no filter can follow: ENOSYS makes every C library fall back to clone
    rules.add_rule(pyseccomp.ERRNO(errno.ENOSYS), "clone3")
    for request in _TERMINAL_INJECTION:
        rules.add_rule(pyseccomp.ERRNO(errno.EPERM), "ioctl", _bits(1, _LOW_32_BITS, request))
    for call in ("socket", "socketpair"):
        _close_families(rules, call)
    return _program(rules)


def filters() -> tuple[bytes, bytes]:
    """Both programs, for `bwrap --add-seccomp-fd`. Raises Fault if libseccomp cannot build them: then no sandbox may start."""
    try:
        return allow_list(), argument_rules()
    except (OSError, ValueError) as failure:
        raise Fault(Code.FAULT_SERVICE, "The system call filter could not be built, so no sandbox can start on this machine.") from failure


def _close_families(rules: pyseccomp.SyscallFilter, call: str) -> None:
    """Unix, the two internet families (which reach an empty loopback) and routing netlink stay; vsock, packet, alg, xdp and the rest go."""
    refused = pyseccomp.ERRNO(errno.EAFNOSUPPORT)
    for family in range(64):
        if family not in {_UNIX, _INET, _INET6, _NETLINK}:
            rules.add_rule(refused, call, _bits(0, _LOW_32_BITS, family))
    for bit in range(6, 32):
        rules.add_rule(refused, call, _bits(0, 1 << bit, 1 << bit))
    for family in (_INET, _INET6):
        for kind in (_SOCK_RAW, _SOCK_PACKET):
            rules.add_rule(pyseccomp.ERRNO(errno.EPERM), call, _bits(0, _LOW_32_BITS, family), _bits(1, _SOCK_TYPE_BITS, kind))
    for bit in range(32):  # NETLINK_ROUTE is protocol 0
        rules.add_rule(pyseccomp.ERRNO(errno.EPERM), call, _bits(0, _LOW_32_BITS, _NETLINK), _bits(2, 1 << bit, 1 << bit))


def _bits(argument: int, mask: int, value: int) -> pyseccomp.Arg:
    """The rule that argument AND mask equals value."""
    return pyseccomp.Arg(argument, pyseccomp.MASKED_EQ, mask, value)


def _program(rules: pyseccomp.SyscallFilter) -> bytes:
    """The BPF bytes of a filter."""
    descriptor = os.memfd_create("seccomp")
    with os.fdopen(descriptor, "w+b") as file:
        rules.export_bpf(file)
        file.seek(0)
        return file.read()
