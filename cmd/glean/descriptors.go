package main

import "syscall"

// maxConnections returns how many connections the daemon serves at the same time:
// at most 1,024, and at most half of the file descriptors that the process may
// have, so that enough are left for devices.
func maxConnections() int {
	const most = 1024
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return most
	}
	return int(max(1, min(most, limit.Cur/2)))
}
