package bodies

// Estimate returns how much memory it takes to read a JSON body, in octets: a value
// takes some hundred, however short its text is.
func Estimate(raw []byte) int64 {
	octets := 5 * int64(len(raw))
	for at := 0; at < len(raw); at++ {
		switch raw[at] {
		case '"':
			for at++; at < len(raw) && raw[at] != '"'; at++ {
				if raw[at] == '\\' {
					at++
				}
			}
		case ',':
			octets += 96
		case '{', '[':
			octets += 180
		case ':':
			octets += 300
		}
	}
	return octets
}
