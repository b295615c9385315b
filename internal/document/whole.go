package document

import "strings"

// wholeDigits is more than any limit of an integer has.
const wholeDigits = 40

// Whole returns the digits of a number that is whole, however it is written:
// "10" for 10, 10.0, 1e1 and 100e-1. A number of more than 40 digits comes back
// as it is: it is whole and out of every range. ok is false for a number with a
// fraction, and for text that is no number as JSON writes it.
func Whole(text string) (digits string, ok bool) {
	number, sign := text, ""
	if strings.HasPrefix(number, "-") {
		number, sign = number[1:], "-"
	}
	mantissa, exponent, _ := strings.Cut(strings.ToLower(number), "e")
	whole, fraction, _ := strings.Cut(mantissa, ".")
	if whole == "" || !allDigits(whole) || !allDigits(fraction) {
		return "", false
	}
	shift, ok := exponentOf(exponent)
	if !ok || strings.HasSuffix(number, ".") || strings.HasSuffix(strings.ToLower(number), "e") {
		return "", false
	}
	fraction = strings.TrimRight(fraction, "0")
	all := strings.TrimLeft(whole+fraction, "0")
	point := shift - len(fraction) // how many zeros to append
	switch {
	case all == "":
		return "0", true
	case point < 0:
		kept := strings.TrimRight(all, "0")
		if len(all)-len(kept) < -point {
			return "", false
		}
		all = all[:len(all)+point]
	case len(all)+point > wholeDigits:
		return text, true
	default:
		all += strings.Repeat("0", point)
	}
	return sign + all, true
}

func allDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// exponentOf reads an exponent. One that is larger than any text is long is cut
// short.
func exponentOf(s string) (int, bool) {
	negative := strings.HasPrefix(s, "-")
	digits := strings.TrimLeft(strings.TrimLeft(s, "+-"), "0")
	if !allDigits(digits) || len(s)-len(strings.TrimLeft(s, "+-")) > 1 {
		return 0, false
	}
	n := 0
	for i := range len(digits) {
		if n = n*10 + int(digits[i]-'0'); n > 1<<30 {
			n = 1 << 30
		}
	}
	if negative {
		n = -n
	}
	return n, true
}
