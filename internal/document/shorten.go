package document

// Shorten returns text as a fault quotes it, cut where it would fill the answer.
func Shorten(text string) string {
	if len(text) > 64 {
		return text[:64] + "..."
	}
	return text
}
