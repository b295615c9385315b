package loop

// Limiter admits Burst events at once and one for each Gap after that, by the
// generic cell rate algorithm (ITU-T I.371).
type Limiter struct {
	Burst int
	Gap   Duration
	next  Time // when the next event would be due if all kept their distance
}

// Allow reports whether an event at now is admitted, and accounts for it if so.
func (l *Limiter) Allow(now Time) bool {
	if l.next = max(l.next, now); l.next.Sub(now) > Duration(l.Burst-1)*l.Gap {
		return false
	}
	l.next = l.next.Add(l.Gap)
	return true
}
