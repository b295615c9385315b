package server

import (
	"bufio"
	"bytes"
	"encoding/json"
	"net/http"
)

// replyList sends a list item by item: the JSON of all items may be many times as large
// as the values that it is made from.
func replyList[T, J any](w *responseWriter, list []T, item func(T) J) error {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusOK)
	out := &listStream{w: bufio.NewWriterSize(w, 32<<10)}
	out.write([]byte{'['})
	for _, v := range list {
		if out.item(item(v)); out.err != nil {
			return nil // the client has gone
		}
	}
	out.end("]\n")
	return nil
}

// listStream writes the items of a JSON list one by one. err keeps the first error of
// writing.
type listStream struct {
	w     *bufio.Writer
	count int
	err   error
	text  bytes.Buffer // of the current item
}

func (o *listStream) item(v any) {
	if o.count++; o.count > 1 {
		o.write([]byte{','})
	}
	o.text.Reset()
	encoder := json.NewEncoder(&o.text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		panic(err) // it holds strings, numbers and checked JSON only
	}
	o.write(bytes.TrimSuffix(o.text.Bytes(), []byte{'\n'}))
}

func (o *listStream) end(text string) {
	o.write([]byte(text))
	if o.err == nil {
		o.err = o.w.Flush()
	}
}

func (o *listStream) write(b []byte) {
	if o.err == nil {
		_, o.err = o.w.Write(b)
	}
}
