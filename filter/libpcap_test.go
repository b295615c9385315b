package filter

import (
	"bufio"
	"bytes"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/net/bpf"
	"pgregory.net/rapid"

	"glean/internal/netlab"
)

// compiled is an expression as libpcap compiles it.
func compiled(expression string, options ...string) (*bpf.VM, error) {
	args := append(append([]string{"-y", "EN10MB", "-ddd"}, options...), "--", expression)
	var stderr bytes.Buffer
	cmd := exec.Command("tcpdump", args...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("tcpdump: %w: %s", err, strings.TrimSpace(stderr.String()))
	}
	lines := bufio.NewScanner(bytes.NewReader(out))
	lines.Scan() // their number
	var code []bpf.Instruction
	for lines.Scan() {
		var raw bpf.RawInstruction
		if _, err := fmt.Sscan(lines.Text(), &raw.Op, &raw.Jt, &raw.Jf, &raw.K); err != nil {
			return nil, err
		}
		ins := raw.Disassemble()
		if _, ok := ins.(bpf.NegateA); ok { // which bpf.VM does not have
			ins = bpf.ALUOpConstant{Op: bpf.ALUOpMul, Val: 0xffffffff}
		}
		code = append(code, ins)
	}
	return bpf.NewVM(code)
}

func compareVerdict(t *rapid.T, p *Program, reference *bpf.VM, frame []byte, how string) {
	n, err := reference.Run(frame)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := p.Match(frame), n != 0; got != want {
		t.Fatalf("%q on % x: %v, libpcap%s says %v", p, frame, got, how, want)
	}
}

// TestLibpcap compares verdicts with those of the programs that libpcap makes of
// the same expressions: without its optimizer on all frames; with it, which
// drops loads that have no effect, on those that no load leaves.
func TestLibpcap(t *testing.T) {
	netlab.Programs(t, "tcpdump") // it has libpcap's compiler
	rapid.Check(t, func(t *rapid.T) {
		w := writer{T: t, wild: rapid.Bool().Draw(t, "wild")}
		expression := w.expression(3)
		p, err := Compile(expression)
		plain, theirs := compiled(expression, "-O")
		if err != nil || theirs != nil {
			t.Fatalf("%q: %v; libpcap: %v", expression, err, theirs)
		}
		var optimized *bpf.VM
		if !w.wild {
			if optimized, theirs = compiled(expression); theirs != nil && !rejectsAll(theirs) {
				t.Fatalf("%q: %v with the optimizer only", expression, theirs)
			}
		}
		for range 40 {
			frame := drawFrame(t)
			if optimized != nil {
				compareVerdict(t, p, optimized, append(frame[:len(frame):len(frame)], make([]byte, 256)...), "")
			}
			compareVerdict(t, p, plain, spoiled(t, frame), " without optimizer")
		}
	})
}

// rejectsAll: libpcap refuses what no frame can pass as far as it sees.
func rejectsAll(err error) bool {
	return err != nil && strings.Contains(err.Error(), "expression rejects all packets")
}
