package server

import (
	"bufio"
	"bytes"
	"encoding/json"
	"net/http"
)

// replyList answers a list item by item, because all together may be many times what
// they are made from.
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

// listStream writes the items of a JSON list bit by bit. The first error of
// writing stays in err.
type listStream struct {
	w     *bufio.Writer
	count int
	err   error
	text  bytes.Buffer // of an item
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
