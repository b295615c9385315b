package netlab

import (
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Instruction is struct bpf_insn (linux/bpf.h).
type Instruction struct {
	Code, Registers byte // source<<4 | destination
	Offset          int16
	Value           int32
}

// ProgramKind is enum bpf_prog_type.
type ProgramKind uint32

// Kinds of programs.
const (
	ProgramTC  ProgramKind = 3 // BPF_PROG_TYPE_SCHED_CLS
	ProgramXDP ProgramKind = 6 // BPF_PROG_TYPE_XDP
)

// LoadProgram loads a BPF program into the kernel. The caller may close the descriptor
// once the program is attached to a device.
func LoadProgram(kind ProgramKind, program []Instruction) (fd int, err error) {
	const progLoad = 5 // BPF_PROG_LOAD
	license := []byte("GPL\x00")
	attributes := struct {
		kind, count      uint32
		program, license uint64
		rest             [64]byte
	}{
		kind: uint32(kind), count: uint32(len(program)),
		program: uint64(uintptr(unsafe.Pointer(&program[0]))), license: uint64(uintptr(unsafe.Pointer(&license[0]))),
	}
	r, _, errno := unix.Syscall(unix.SYS_BPF, progLoad, uintptr(unsafe.Pointer(&attributes)), unsafe.Sizeof(attributes))
	runtime.KeepAlive(program)
	runtime.KeepAlive(license)
	if errno != 0 {
		return -1, errno
	}
	return int(r), nil
}
