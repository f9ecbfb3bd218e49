package node

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"time"
)

// httpSender POSTs batches as NDJSON.
type httpSender struct {
	url    string
	client *http.Client
}

func newHTTPSender(u *url.URL) *httpSender {
	transport := &http.Transport{DialContext: (&net.Dialer{Timeout: 5 * time.Second}).DialContext, TLSHandshakeTimeout: 5 * time.Second,
		MaxIdleConns: 1, IdleConnTimeout: time.Minute, ForceAttemptHTTP2: true}
	return &httpSender{url: u.String(), client: &http.Client{Transport: transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}} // lines go where they were sent and nowhere else
}

// neverTaken are the answers after which the same batch is not sent again.
var neverTaken = []int{http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity}

func (h *httpSender) send(ctx context.Context, lines [][]byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.url, bytes.NewReader(bytes.Join(lines, nil)))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-ndjson")
	resp, err := h.client.Do(req)
	if err != nil {
		var failed *url.Error
		if errors.As(err, &failed) {
			err = failed.Err // without the URL, whose query may be somebody's key
		}
		return err
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10)) // so that the connection is used again
	switch {
	case resp.StatusCode/100 == 2:
		return nil
	case slices.Contains(neverTaken, resp.StatusCode):
		return &refusedError{"the answer is " + resp.Status}
	}
	return fmt.Errorf("the answer is %s", resp.Status)
}

func (h *httpSender) close() { h.client.CloseIdleConnections() }

// socketSender writes lines to a TCP connection, or each in a datagram of its own. Nobody acknowledges them: what was written when the other
// end went away is lost.
type socketSender struct {
	network, address string
	conn             net.Conn
	rest             int // lines of the batch under way that were written
}

func (s *socketSender) send(ctx context.Context, lines [][]byte) (err error) {
	if s.conn == nil {
		dialer := net.Dialer{Timeout: 5 * time.Second}
		if s.conn, err = dialer.DialContext(ctx, s.network, s.address); err != nil {
			s.conn = nil
			return err
		}
	}
	if deadline, ok := ctx.Deadline(); ok {
		_ = s.conn.SetWriteDeadline(deadline)
	}
	for ; s.rest < len(lines); s.rest++ {
		if _, err := s.conn.Write(lines[s.rest]); err != nil {
			s.close()
			return err
		}
	}
	s.rest = 0
	return nil
}

func (s *socketSender) close() {
	if s.conn != nil {
		s.conn.Close()
		s.conn = nil
	}
}
