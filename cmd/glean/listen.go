package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// unixPrefix marks a --listen that is the path of a Unix socket.
const unixPrefix = "unix:"

// hostFlags collects repeated --allow-host flags.
type hostFlags []string

// String implements flag.Value.
func (h *hostFlags) String() string { return strings.Join(*h, ",") }

// Set implements flag.Value.
func (h *hostFlags) Set(name string) error {
	if name == "" || strings.ContainsAny(name, "/:[] ") {
		return fmt.Errorf("%q is not a host name; give it without scheme and port", name)
	}
	*h = append(*h, name)
	return nil
}

// checkListen refuses to serve other machines unless insecure is set, because the API
// has no credentials and its clients may send any frame from any device.
func checkListen(listen string, insecure bool) error {
	if strings.HasPrefix(listen, unixPrefix) {
		return nil
	}
	host, port, err := net.SplitHostPort(listen)
	if err != nil || !isPort(port) {
		return usageErrorf("--listen %s: must be ADDRESS:PORT or unix:PATH%s", listen, meantAddress(listen))
	}
	if insecure {
		return nil
	}
	if a, err := netip.ParseAddr(host); err == nil && a.IsLoopback() || strings.EqualFold(host, "localhost") {
		return nil
	}
	return usageErrorf("--listen %s: the API has no credentials, and every host that reaches this address could control the daemon; "+
		"listen on 127.0.0.1 or unix:PATH, or add --insecure", listen)
}

// isPort reports whether text is a TCP port number.
func isPort(text string) bool {
	_, err := strconv.ParseUint(text, 10, 16)
	return err == nil
}

// meantAddress suggests an address for a port number alone.
func meantAddress(listen string) string {
	if isPort(listen) {
		return fmt.Sprintf("; did you mean 127.0.0.1:%s?", listen)
	}
	return ""
}

// listenError strips the operation and the address, which the error of the flag names.
func listenError(err error) error {
	var operation *net.OpError
	if errors.As(err, &operation) {
		err = operation.Err
	}
	var call *os.SyscallError
	if errors.As(err, &call) {
		err = call.Err
	}
	return err
}

// listen opens what --listen names. An IPv4 address binds IPv4 only.
func listen(address string) (net.Listener, error) {
	if path, ok := strings.CutPrefix(address, unixPrefix); ok {
		return listenUnix(path)
	}
	network := "tcp"
	if host, _, err := net.SplitHostPort(address); err == nil {
		if a, err := netip.ParseAddr(host); err == nil && a.Is4() {
			network = "tcp4"
		}
	}
	return net.Listen(network, address)
}

// listenUnix makes a socket of mode 0660. It first removes a socket that no process
// serves any longer. The listener removes its own socket when it is closed.
func listenUnix(path string) (net.Listener, error) {
	switch info, err := os.Lstat(path); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, err
	case info.Mode()&fs.ModeSocket == 0:
		return nil, fmt.Errorf("%s exists and is not a socket; remove it or choose another path", path)
	default:
		c, err := net.Dial("unix", path)
		if err == nil {
			c.Close()
			return nil, fmt.Errorf("%s is in use by another process; stop it or choose another path", path)
		}
		if !errors.Is(err, syscall.ECONNREFUSED) {
			return nil, err
		}
		if err := os.Remove(path); err != nil {
			return nil, err
		}
	}
	// With this mask the socket never has a wider mode than 0660.
	old := syscall.Umask(0o117)
	defer syscall.Umask(old)
	return net.Listen("unix", path)
}

// urlOf returns the address of a listener in the form that package client takes.
func urlOf(l net.Listener) string {
	if l.Addr().Network() == "unix" {
		return unixPrefix + l.Addr().String()
	}
	return "http://" + l.Addr().String()
}
