# ruff: noqa: PTH104, PTH123, PTH208, S108 - attempts are written in the plainest calls there are
"""Attempts to get out of a sandbox. The same file runs inside one and, as the control, outside: `python sandbox_probes.py CONTEXT.json`.

A probe returns True when it got what it must not get; False or an OSError means that it was stopped. It uses the standard library alone.
Outside, the same attempts go to private namespaces or use arguments that do nothing, so that the control harms no machine.
"""

import array
import ctypes
import errno
import fcntl
import http.client
import json
import mmap
import os
import pty
import resource
import signal
import socket
import stat
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Context = dict[str, Any]
PROBES: dict[str, Callable[[Context], bool]] = {}
REFUSAL = b"A sandbox cannot reach this."
LIBC = ctypes.CDLL(None, use_errno=True)
# called with arguments that no kernel accepts: whoever may call them hears EFAULT, EINVAL or the like; whoever may not, EPERM or ENOSYS
SYSCALLS = """
acct add_key adjtimex bpf chroot clock_settime delete_module fanotify_init finit_module fsconfig fsmount fsopen fspick init_module
io_uring_enter io_uring_register io_uring_setup ioperm iopl kcmp kexec_file_load keyctl listmount mbind memfd_secret migrate_pages mount
mount_setattr move_mount move_pages name_to_handle_at open_by_handle_at open_tree perf_event_open pidfd_getfd pivot_root process_madvise
process_vm_readv process_vm_writev ptrace quotactl quotactl_fd reboot request_key set_mempolicy setdomainname sethostname setns
settimeofday statmount swapoff swapon syslog umount2 unshare userfaultfd vmsplice clone3
""".split()  # noqa: SIM905 - a block of names reads better than a column of strings


def probe(function: Callable[[Context], bool]) -> Callable[[Context], bool]:
    PROBES[function.__name__] = function
    return function


def syscall(number: int, *arguments: int) -> int:
    """The result, or minus the error number."""
    ctypes.set_errno(0)
    result = LIBC.syscall(ctypes.c_long(number), *[ctypes.c_ulong(argument & 0xFFFF_FFFF_FFFF_FFFF) for argument in arguments])
    return -ctypes.get_errno() if result == -1 else int(result)


def _reach_syscall(name: str) -> Callable[[Context], bool]:
    def reach(context: Context) -> bool:
        return -syscall(context["syscalls"][name], *[-1] * 6) not in {errno.EPERM, errno.ENOSYS}

    return reach


for _name in SYSCALLS:
    PROBES[f"syscall_{_name}"] = _reach_syscall(_name)


# the network


def tcp(host: str, port: int, family: int = socket.AF_INET) -> bool:
    with socket.socket(family, socket.SOCK_STREAM) as connection:
        connection.settimeout(3)
        connection.connect((host, port))
        return True


@probe
def network_hub_port(context: Context) -> bool:
    return tcp("127.0.0.1", context["hub_port"])


@probe
def network_host_address(context: Context) -> bool:
    return tcp(context["host_address"], context["tcp_port"])


@probe
def network_loopback_ipv6(context: Context) -> bool:
    return tcp("::1", context["tcp6_port"], socket.AF_INET6)


@probe
def network_route_to_the_world(_: Context) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagram:
        datagram.connect(("192.0.2.1", 9))  # a route is looked up, nothing is sent
        return True


@probe
def network_udp_question(context: Context) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagram:
        datagram.settimeout(2)
        datagram.sendto(b"a name server would answer", ("127.0.0.1", context["udp_port"]))
        return datagram.recv(100) == b"answered"


@probe
def network_devices(_: Context) -> bool:
    return any(name != "lo" for _, name in socket.if_nameindex())


@probe
def network_abstract_socket(context: Context) -> bool:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect("\0" + context["abstract"])
        return True


def opens(family: int, kind: int, protocol: int = 0) -> bool:
    with socket.socket(family, kind, protocol):
        return True


@probe
def socket_raw_ipv4(_: Context) -> bool:
    return opens(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)


@probe
def socket_raw_ipv6(_: Context) -> bool:
    return opens(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)


@probe
def socket_packet(_: Context) -> bool:
    return opens(17, socket.SOCK_RAW)


@probe
def socket_vsock(_: Context) -> bool:
    return opens(40, socket.SOCK_STREAM)


@probe
def socket_vsock_with_a_high_bit(context: Context) -> bool:
    return syscall(context["syscalls"]["socket"], (1 << 32) | 40, socket.SOCK_STREAM, 0) >= 0


@probe
def socket_crypto(_: Context) -> bool:
    return opens(38, socket.SOCK_SEQPACKET)


@probe
def socket_netlink_events(_: Context) -> bool:
    return opens(16, socket.SOCK_RAW, 15)


@probe
def socket_netlink_with_a_high_bit(context: Context) -> bool:
    return syscall(context["syscalls"]["socket"], 16, socket.SOCK_RAW, (1 << 32) | 15) >= 0


@probe
def socket_raw_with_a_high_bit(context: Context) -> bool:
    return syscall(context["syscalls"]["socket"], (1 << 32) | 2, 3, 1) >= 0


# files


def _reads(key: str) -> Callable[[Context], bool]:
    def read(context: Context) -> bool:
        path = Path(context["paths"][key])
        return bool(os.listdir(path)) if path.is_dir() else len(path.read_bytes()[:1]) == 1

    return read


READABLE = (
    "secret",
    "home",
    "books",
    "gateway_key",
    "hub_database",
    "cookie_secret",
    "other_home",
    "other_image",
    "uids",
    "sandbox_files",
    "shadow",
)
for _name in READABLE:
    PROBES[f"read_{_name}"] = _reads(_name)


@probe
def read_through_a_link(context: Context) -> bool:
    link = Path(context["scratch"], "link")
    link.unlink(missing_ok=True)
    link.symlink_to(context["paths"]["secret"])
    return bool(link.read_bytes())


@probe
def read_host_accounts(_: Context) -> bool:
    return len(Path("/etc/passwd").read_text().splitlines()) > 2


@probe
def read_sys(_: Context) -> bool:
    return bool(os.listdir("/sys/class"))


@probe
def read_machine_id_or_name(context: Context) -> bool:
    return socket.gethostname() == context["host_name"]


@probe
def read_more_of_run(_: Context) -> bool:
    return bool(set(os.listdir("/run")) - {"haven"})


@probe
def read_first_process_environment(context: Context) -> bool:
    return bool(Path(f"/proc/{context['first_pid']}/environ").read_bytes())


@probe
def read_first_process_root(context: Context) -> bool:
    return bool(os.listdir(f"/proc/{context['first_pid']}/root/"))


@probe
def read_first_process_memory(context: Context) -> bool:
    return bool(Path(f"/proc/{context['first_pid']}/maps").read_text())


@probe
def see_other_processes(context: Context) -> bool:
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                if context["victim_mark"].encode() in Path("/proc", entry, "cmdline").read_bytes():
                    return entry != str(os.getpid())
            except OSError:
                continue
    return False


@probe
def read_kernel_memory(_: Context) -> bool:
    with open("/proc/kcore", "rb") as file:
        return bool(file.read(1))


@probe
def read_kernel_log(_: Context) -> bool:
    return bool(os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK))


@probe
def open_devices(_: Context) -> bool:
    harmless = {"null", "zero", "full", "random", "urandom", "tty", "ptmx", "console"}
    for entry in os.scandir("/dev"):
        if entry.name not in harmless and stat.S_ISBLK(entry.stat(follow_symlinks=False).st_mode):
            return bool(os.open(entry.path, os.O_RDONLY | os.O_NONBLOCK))
    return False


@probe
def make_a_device(context: Context) -> bool:
    path = Path(context["scratch"], "device")
    path.unlink(missing_ok=True)
    os.mknod(path, stat.S_IFBLK | 0o600, os.makedev(7, 0))
    return path.exists()


def writes(folder: str) -> bool:
    path = Path(folder, ".haven-probe")
    path.write_text("x")
    path.unlink()
    return True


@probe
def write_programs(_: Context) -> bool:
    return writes("/usr/local/share")


@probe
def write_environment(context: Context) -> bool:
    return writes(context["environment"])


@probe
def write_root(_: Context) -> bool:
    return writes("/")


@probe
def write_configuration(_: Context) -> bool:
    return writes("/etc")


@probe
def write_beside_the_gateway(context: Context) -> bool:
    return writes(str(Path(context["gateway"]).parent))


@probe
def remove_the_gateway(context: Context) -> bool:
    os.rename(context["gateway"], context["gateway"] + "-moved")
    os.rename(context["gateway"] + "-moved", context["gateway"])
    return True


@probe
def write_kernel_settings(_: Context) -> bool:
    return bool(os.open("/proc/sys/kernel/core_pattern", os.O_WRONLY))


@probe
def write_sysrq(_: Context) -> bool:
    return bool(os.open("/proc/sysrq-trigger", os.O_WRONLY))


@probe
def gain_by_setuid_programs(_: Context) -> bool:
    return not os.statvfs("/usr").f_flag & os.ST_NOSUID


@probe
def gain_by_setuid_files_at_home(context: Context) -> bool:
    return not os.statvfs(context["scratch"]).f_flag & os.ST_NOSUID


# sockets of the house


def connects(path: str) -> bool:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(path)
        return True


for _name in ("hub_socket", "service_socket", "proxy_socket", "gateway_control", "other_gateway", "other_server", "own_server"):
    PROBES[f"connect_{_name}"] = lambda context, name=_name: connects(context["paths"][name])


# identity and privilege


def status(field: str) -> str:
    return next(line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(field + ":"))


@probe
def become_root(_: Context) -> bool:
    os.setresuid(0, 0, 0)
    return True


@probe
def become_another_user(context: Context) -> bool:
    child = os.fork()
    if child == 0:
        try:
            os.setresuid(context["other_uid"], context["other_uid"], context["other_uid"])
        except OSError:
            os._exit(1)
        os._exit(0)
    return os.waitpid(child, 0)[1] == 0


@probe
def hold_capabilities(_: Context) -> bool:
    return any(int(status(kind), 16) for kind in ("CapEff", "CapPrm", "CapInh", "CapAmb", "CapBnd"))


@probe
def gain_privileges_by_exec(_: Context) -> bool:
    return status("NoNewPrivs") == "0"


@probe
def run_without_a_filter(_: Context) -> bool:
    return status("Seccomp") != "2"


@probe
def be_root_on_the_host(_: Context) -> bool:
    return os.getuid() == 0 or 0 in os.getgroups()


def clone_with(context: Context, flags: int) -> bool:
    result = syscall(context["syscalls"]["clone"], flags | signal.SIGCHLD, 0, 0, 0, 0)
    if result == 0:
        os._exit(0)
    if result > 0:
        os.waitpid(result, 0)
    return result > 0


for _name, _flag in {"user": 0x1000_0000, "mount": 0x2_0000, "network": 0x4000_0000, "process": 0x2000_0000}.items():
    PROBES[f"new_{_name}_namespace"] = lambda context, flag=_flag: clone_with(context, flag)


@probe
def type_into_a_terminal(context: Context) -> bool:
    _, slave = pty.openpty()
    letter = array.array("B", b"x")
    if os.getuid() == 0:
        os.setsid() if os.getpgrp() != os.getpid() else None
        fcntl.ioctl(slave, 0x540E, 0)
    return syscall(context["syscalls"]["ioctl"], slave, 0x5412, letter.buffer_info()[0]) == 0


@probe
def type_into_a_terminal_with_a_high_bit(context: Context) -> bool:
    _, slave = pty.openpty()
    letter = array.array("B", b"x")
    return syscall(context["syscalls"]["ioctl"], slave, (1 << 32) | 0x5412, letter.buffer_info()[0]) == 0


@probe
def call_the_32_bit_kernel(_: Context) -> bool:
    """Run mov eax, 20 (getpid); int 0x80; ret: a filter that knows one architecture only would let it pass."""
    child = os.fork()
    if child == 0:
        code = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
        code.write(b"\xb8\x14\x00\x00\x00\xcd\x80\xc3")
        address = ctypes.addressof(ctypes.c_char.from_buffer(code))
        os._exit(0 if ctypes.CFUNCTYPE(ctypes.c_int)(address)() == os.getpid() else 1)
    return os.waitpid(child, 0)[1] == 0


@probe
def call_the_x32_kernel(context: Context) -> bool:
    child = os.fork()
    if child == 0:
        os._exit(0 if syscall(0x4000_0000 | context["syscalls"]["getpid"]) == os.getpid() else 1)
    return os.waitpid(child, 0)[1] == 0


# other processes


@probe
def signal_a_host_process(context: Context) -> bool:
    os.kill(context["victim_pid"], 0)
    return "victim" in Path(f"/proc/{context['victim_pid']}/cmdline").read_text()


@probe
def signal_the_first_process(context: Context) -> bool:
    os.kill(context["first_pid"], 0)
    return True


@probe
def trace_the_first_process(context: Context) -> bool:
    return syscall(context["syscalls"]["ptrace"], 0x4206, context["first_pid"], 0, 0) == 0


@probe
def attach_shared_memory(context: Context) -> bool:
    LIBC.shmget.restype = ctypes.c_int
    return int(LIBC.shmget(context["shm_key"], 1, 0)) >= 0


@probe
def leave_a_core_dump(_: Context) -> bool:
    return resource.getrlimit(resource.RLIMIT_CORE)[1] != 0


@probe
def lower_the_oom_score(_: Context) -> bool:
    before = Path("/proc/self/oom_score_adj").read_text()
    Path("/proc/self/oom_score_adj").write_text("-999")
    Path("/proc/self/oom_score_adj").write_text(before)
    return True


@probe
def raise_the_priority(_: Context) -> bool:
    child = os.fork()
    if child == 0:
        try:
            os.setpriority(os.PRIO_PROCESS, 0, -5)
        except OSError:
            os._exit(1)
        os._exit(0)
    return os.waitpid(child, 0)[1] == 0


@probe
def lock_much_memory(_: Context) -> bool:
    area = mmap.mmap(-1, 64 << 20)
    return LIBC.mlock(ctypes.addressof(ctypes.c_char.from_buffer(area)), ctypes.c_size_t(64 << 20)) == 0


# more than its share


@probe
def fork_bomb(context: Context) -> bool:
    children: list[int] = []
    try:
        while len(children) < context["too_many_processes"]:
            child = os.fork()
            if child == 0:
                time.sleep(60)
                os._exit(0)
            children.append(child)
        return True
    finally:
        for child in children:
            os.kill(child, signal.SIGKILL)
        for child in children:
            os.waitpid(child, 0)


@probe
def memory_bomb(context: Context) -> bool:
    child = os.fork()
    if child == 0:
        held = mmap.mmap(-1, context["too_much_memory"])
        for page in range(0, len(held), mmap.PAGESIZE):
            held[page] = 1
        os._exit(0)
    return os.waitpid(child, 0)[1] == 0


def fills(folder: str, size: int) -> bool:
    path = Path(folder, "filling")
    try:
        with path.open("wb", buffering=0) as file:
            for _ in range(size >> 20):
                if file.write(b"x" * (1 << 20)) < 1 << 20:
                    return False
            os.fsync(file.fileno())
        return True
    finally:
        path.unlink(missing_ok=True)


@probe
def fill_the_home(context: Context) -> bool:
    return fills(context["scratch"], context["too_much_disk"])


@probe
def fill_tmp(context: Context) -> bool:
    return fills(context["tmp"], context["too_much_scratch"])


@probe
def fill_shared_memory(context: Context) -> bool:
    return fills("/dev/shm", context["too_much_scratch"])


@probe
def open_too_many_files(_: Context) -> bool:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    opened: list[int] = []
    try:
        while len(opened) < 5000:
            opened.append(os.open("/dev/null", os.O_RDONLY))
        return True
    finally:
        for descriptor in opened:
            os.close(descriptor)


# the gateway


class _Line(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("haven", timeout=10)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(10)
        self.sock.connect(self.path)


def ask(path: str, method: str, target: str, body: bytes | None = None, **headers: str) -> tuple[int, bytes]:
    line = _Line(path)
    line.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
    for name, value in ({"Host": "haven"} | headers).items():
        line.putheader(name.replace("_", "-"), value)
    if body is not None:
        line.putheader("Content-Length", str(len(body)))
    line.endheaders(body)
    answer = line.getresponse()
    return answer.status, answer.read()


ROUTES = {
    "list_users": ("GET", "/hub/api/users", "hub_socket"),
    "start_a_server": ("POST", "/hub/api/users/grace/server", "hub_socket"),
    "make_a_token": ("POST", "/hub/api/users/ada/tokens", "hub_socket"),
    "read_hub_information": ("GET", "/hub/api/info", "hub_socket"),
    "read_routes": ("GET", "/hub/api/proxy", "hub_socket"),
    "another_users_activity": ("POST", "/hub/api/users/grace/activity", "hub_socket"),
    "hub_pages": ("GET", "/hub/login", "hub_socket"),
    "traverse_from_the_hub": ("GET", "/hub/api/../login", "hub_socket"),
    "doubled_slash": ("GET", "//hub/api/users", "hub_socket"),
    "encoded_path": ("GET", "/hub/api/%75sers", "hub_socket"),
    "another_method": ("DELETE", "/hub/api/user", "hub_socket"),
    "approve_a_release": ("POST", "/api/v1/releases/r1/approve", "service_socket"),
    "pages_of_the_service": ("GET", "/services/haven/", "service_socket"),
    "traverse_from_the_service": ("GET", "/api/v1/datasets/../../../services/haven/", "service_socket"),
    "encoded_traversal": ("GET", "/api/v1/datasets/%2e%2e/%2e%2e/%2e%2e/services/haven/", "service_socket"),
    "absolute_target": ("GET", "http://haven/hub/api/users", "hub_socket"),
}


def _route(name: str) -> Callable[[Context], bool]:
    method, target, direct = ROUTES[name]

    def take(context: Context) -> bool:
        _, answer = ask(context["direct"].get(direct, context["gateway"]), method, target, b"{}" if method == "POST" else None)
        return REFUSAL not in answer

    return take


for _name in ROUTES:
    PROBES[f"gateway_{_name}"] = _route(_name)


def who(context: Context, token: str, **headers: str) -> dict[str, Any]:
    given = {"Authorization": f"Bearer {token}"} if token else {}
    code, answer = ask(context["control_gateway"] or context["gateway"], "GET", "/api/v1/datasets", **given, **headers)
    return json.loads(answer) | {"status": code}


@probe
def gateway_forged_user(context: Context) -> bool:
    """The control asks through the other researcher's own gateway."""
    return who(context, context["control_token"] or context["own_token"], X_Haven_User="grace").get("name") == "grace"


@probe
def gateway_forged_server(context: Context) -> bool:
    return who(context, context["control_token"] or context["own_token"], X_Haven_Server="grace/").get("server") == "grace/"


@probe
def gateway_another_users_token(context: Context) -> bool:
    return who(context, context["other_token"]).get("status") == 200


@probe
def gateway_api_token_of_a_person(context: Context) -> bool:
    return who(context, context["control_token"] or context["api_token"]).get("status") == 200


@probe
def gateway_no_token(context: Context) -> bool:
    return who(context, context["control_token"]).get("status") == 200


@probe
def gateway_huge_body(context: Context) -> bool:
    path = context["direct"].get("service_socket", context["gateway"])
    try:
        code, _ = ask(path, "POST", "/api/v1/queries", b" " * (2 << 20), Authorization="Bearer x")
    except (BrokenPipeError, ConnectionResetError):
        return False
    return code != 413


@probe
def gateway_huge_body_in_chunks(context: Context) -> bool:
    line = _Line(context["direct"].get("service_socket", context["gateway"]))
    line.putrequest("POST", "/api/v1/queries", skip_accept_encoding=True)
    line.putheader("Transfer-Encoding", "chunked")
    line.endheaders()
    try:
        for _ in range(32):
            line.send(b"10000\r\n" + b" " * (1 << 16) + b"\r\n")
        line.send(b"0\r\n\r\n")
        return line.getresponse().status != 413
    except (BrokenPipeError, ConnectionResetError):
        return False


@probe
def gateway_upgrade(context: Context) -> bool:
    path = context["direct"].get("service_socket", context["gateway"])
    _, answer = ask(path, "GET", "/api/v1/datasets", Connection="Upgrade", Upgrade="websocket")
    return REFUSAL not in answer


def raw(path: str, sent: bytes) -> bytes:
    """All that comes back for bytes sent as they are."""
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(1.5)
        line.connect(path)
        received = b""
        try:
            line.sendall(sent)
            while chunk := line.recv(1 << 16):
                received += chunk
        except (TimeoutError, OSError):
            pass
        return received


_HIDDEN = b"GET /hub/api/info HTTP/1.1\r\nHost: haven\r\n\r\n"
_CHUNK = b"%x\r\n%s\r\n0\r\n\r\n"
SMUGGLING = {
    "length_and_chunks": b"PUT /hub/api HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two_lengths": b"POST /hub/api/oauth2/token HTTP/1.1\r\nHost: haven\r\nContent-Length: 0\r\nContent-Length: 44\r\n\r\n",
    "spaced_header": b"POST /hub/api/oauth2/token HTTP/1.1\r\nHost: haven\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "obscure_chunking": b"POST /hub/api/oauth2/token HTTP/1.1\r\nHost: haven\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "bare_line_feed": b"GET /hub/api HTTP/1.1\nHost: haven\n\n",
}


def _smuggle(name: str) -> Callable[[Context], bool]:
    def smuggle(context: Context) -> bool:
        """Out if the hub itself answered the hidden request. The control sends the hidden request to the hub in the open."""
        direct = context["direct"].get("hub_socket")
        answers = raw(direct, _HIDDEN) if direct else raw(context["gateway"], SMUGGLING[name] + _HIDDEN)
        return b"Missing or invalid credentials" in answers or b'"python"' in answers

    return smuggle


for _name in SMUGGLING:
    PROBES[f"gateway_smuggle_{_name}"] = _smuggle(_name)


@probe
def gateway_header_injection(context: Context) -> bool:
    """A line break inside a header must not become a header of the rewritten request."""
    token = (context["control_token"] or context["own_token"]).encode()
    path = context["control_gateway"] or context["gateway"]
    sent = b"GET /api/v1/datasets HTTP/1.1\r\nHost: haven\r\nAccept: a\rX-Haven-User: grace\r\nAuthorization: Bearer " + token + b"\r\n\r\n"
    clean = sent.replace(b"a\rX-Haven-User: grace", b"a")
    return b'"name":"grace"' in raw(path, clean if context["control_gateway"] else sent)


@probe
def gateway_flood_of_connections(context: Context) -> bool:
    path = context["direct"].get("service_socket", context["gateway"])
    lines = []
    try:
        for _ in range(150):
            line = socket.socket(socket.AF_UNIX)
            line.settimeout(1)
            lines.append(line)
            try:
                line.connect(path)
            except OSError:
                break
        time.sleep(0.3)
        alive = 0
        for line in lines:
            line.settimeout(0)
            try:
                alive += line.recv(1) != b""
            except BlockingIOError:
                alive += 1
            except OSError:
                pass
        return alive > 100
    finally:
        for line in lines:
            line.close()


@probe
def gateway_flood_of_requests(context: Context) -> bool:
    time.sleep(0.5)
    line = _Line(context["direct"].get("service_socket", context["gateway"]))
    answers = []
    for _ in range(500):
        line.request("GET", "/healthz")
        answer = line.getresponse()
        answer.read()
        answers.append(answer.status)
    return set(answers) == {200}


def attempt(name: str, context: Context) -> dict[str, Any]:
    """One probe in a process of its own, so that none can hurt the next."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        try:
            outcome: dict[str, Any] = {"out": bool(PROBES[name](context)), "detail": ""}
        except OSError as stopped:
            outcome = {"out": False, "detail": errno.errorcode.get(stopped.errno or 0, type(stopped).__name__)}
        except BaseException as broken:  # noqa: BLE001 - whatever it was, it is told
            outcome = {"out": None, "detail": f"{type(broken).__name__}: {broken}"}
        os.write(writer, json.dumps(outcome).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        said = pipe.read()
    _, how = os.waitpid(child, 0)
    if said:
        return json.loads(said)
    return {"out": False, "detail": f"ended by signal {how & 0x7F}"}


def main() -> None:
    context = json.loads(Path(sys.argv[1]).read_text())
    names = context.get("only") or list(PROBES)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    print(json.dumps({name: attempt(name, context) for name in names}))  # noqa: T201 - the answer


if __name__ == "__main__":
    main()
