package qemu

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"time"
)

// QMP is a connection to a machine's control socket (QEMU, docs/interop/qmp-spec). One goroutine at a time may use it.
type QMP struct {
	conn net.Conn
	in   *bufio.Scanner
}

// DialQMP connects to the socket of [Config].QMP, which QEMU makes a moment after it was started.
func DialQMP(ctx context.Context, path string) (*QMP, error) {
	var d net.Dialer
	for {
		conn, err := d.DialContext(ctx, "unix", path)
		if err == nil {
			q := &QMP{conn: conn, in: bufio.NewScanner(conn)}
			q.in.Buffer(nil, 1<<20)
			_, err = q.Execute(ctx, "qmp_capabilities", nil)
			return q, err
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("connect to QEMU's control socket: %w", err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Close ends the connection.
func (q *QMP) Close() error { return q.conn.Close() }

// Execute runs a command and returns its result.
func (q *QMP) Execute(ctx context.Context, command string, arguments any) (json.RawMessage, error) {
	request := map[string]any{"execute": command}
	if arguments != nil {
		request["arguments"] = arguments
	}
	line, err := json.Marshal(request)
	if err != nil {
		return nil, err
	}
	deadline, ok := ctx.Deadline()
	if !ok {
		deadline = time.Now().Add(10 * time.Second)
	}
	if err := q.conn.SetDeadline(deadline); err != nil {
		return nil, err
	}
	if _, err := q.conn.Write(append(line, '\n')); err != nil {
		return nil, fmt.Errorf("QMP %s: %w", command, err)
	}
	return q.answer(command)
}

// answer reads until the answer to a command; greetings and events in between are skipped.
func (q *QMP) answer(command string) (json.RawMessage, error) {
	for q.in.Scan() {
		var m struct {
			Return json.RawMessage `json:"return"`
			Error  *struct {
				Desc string `json:"desc"`
			} `json:"error"`
		}
		if err := json.Unmarshal(q.in.Bytes(), &m); err != nil {
			return nil, fmt.Errorf("QMP %s: %w", command, err)
		}
		switch {
		case m.Error != nil:
			return nil, fmt.Errorf("QMP %s: %s", command, m.Error.Desc)
		case m.Return != nil:
			return m.Return, nil
		}
	}
	return nil, fmt.Errorf("QMP %s: QEMU closed the connection: %w", command, q.in.Err())
}

// SetLink puts the cable of network interface nic in or pulls it.
func (q *QMP) SetLink(ctx context.Context, nic int, up bool) error {
	_, err := q.Execute(ctx, "set_link", map[string]any{"name": fmt.Sprintf("nic%d", nic), "up": up})
	return err
}
