package header

import (
	"encoding/binary"
	"fmt"
)

// MAC is an Ethernet address.
type MAC [6]byte

// Broadcast is the address of every station.
var Broadcast = MAC{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}

// MACFromUint64 returns the address whose octets are the low 48 bits of v, the
// most significant first.
func MACFromUint64(v uint64) MAC {
	return MAC{byte(v >> 40), byte(v >> 32), byte(v >> 24), byte(v >> 16), byte(v >> 8), byte(v)}
}

// Uint64 returns the address as 48 bits, first octet most significant.
func (m MAC) Uint64() uint64 {
	return uint64(binary.BigEndian.Uint16(m[0:]))<<32 | uint64(binary.BigEndian.Uint32(m[2:]))
}

// ParseMAC reads six hexadecimal octets of one or two digits with one of the
// separators ':', '-' and '.' between them.
func ParseMAC(s string) (MAC, error) {
	var m MAC
	var separator byte
	rest := s
	for i := range m {
		if i > 0 {
			if rest == "" || (rest[0] != ':' && rest[0] != '-' && rest[0] != '.') {
				return MAC{}, macError(s)
			}
			if i == 1 {
				separator = rest[0]
			}
			if rest[0] != separator {
				return MAC{}, macError(s)
			}
			rest = rest[1:]
		}
		digits := 0
		for digits < 2 && digits < len(rest) {
			v, ok := hexDigit(rest[digits])
			if !ok {
				break
			}
			m[i] = m[i]<<4 | v
			digits++
		}
		if digits == 0 {
			return MAC{}, macError(s)
		}
		rest = rest[digits:]
	}
	if rest != "" {
		return MAC{}, macError(s)
	}
	return m, nil
}

func macError(s string) error {
	return fmt.Errorf("%q is not a MAC address: want six hexadecimal octets separated by ':', '-' or '.'", s)
}

func hexDigit(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}

// IsZero reports whether all octets are zero.
func (m MAC) IsZero() bool { return m == MAC{} }

// IsMulticast reports whether the address is of a group; the broadcast address is.
func (m MAC) IsMulticast() bool { return m[0]&1 != 0 }

// IsBroadcast reports whether the address is the one of every station.
func (m MAC) IsBroadcast() bool { return m == Broadcast }

// String returns the lower-case form with colons, as "02:00:5e:10:00:01".
func (m MAC) String() string {
	var b [17]byte
	return string(m.append(b[:0]))
}

// AppendText appends the form of String to b.
func (m MAC) AppendText(b []byte) ([]byte, error) { return m.append(b), nil }

func (m MAC) append(b []byte) []byte {
	const digits = "0123456789abcdef"
	for i, octet := range m {
		if i > 0 {
			b = append(b, ':')
		}
		b = append(b, digits[octet>>4], digits[octet&15])
	}
	return b
}

// MarshalText returns the form of String.
func (m MAC) MarshalText() ([]byte, error) { return m.append(make([]byte, 0, 17)), nil }

// UnmarshalText reads what ParseMAC accepts.
func (m *MAC) UnmarshalText(text []byte) error {
	parsed, err := ParseMAC(string(text))
	if err != nil {
		return err
	}
	*m = parsed
	return nil
}
