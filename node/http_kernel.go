package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"

	"github.com/capodekappa/capo/fleet/trust"
	"github.com/capodekappa/capo/gateware/frame"
	"github.com/capodekappa/capo/gateware/ir"
	"github.com/capodekappa/capo/gateware/soft"
	"github.com/capodekappa/capo/node/api"
)

// kernelPattern is the route of the kernels.
const kernelPattern = "POST /v1/kernels/{job}/{name}"

// postKernel runs a job's kernel over the request's body: one call, one frame.
func (n *Node) postKernel(w http.ResponseWriter, r *http.Request, s *session) error {
	job := r.PathValue("job")
	if id := identityOf(r); id.Role == trust.RoleCaller && id.Job != job {
		return fmt.Errorf("%s and the kernels of %.80s: %w", id, job, trust.ErrRole)
	}
	k, err := s.want.kernel(job, r.PathValue("name"))
	if err != nil {
		return err
	}
	width, err := widthParam(r)
	if err != nil {
		return err
	}
	size := r.ContentLength
	if size < 0 {
		size = n.kernels.frame
	}
	release, err := n.kernels.reserve(size)
	if err != nil {
		return err
	}
	defer release()
	in, err := readFrame(r, n.kernels.frame)
	if err != nil {
		return err
	}
	out, done, err := n.runKernel(r, s, k, in, width)
	if err != nil {
		return err
	}
	defer done()
	n.kernelCalls.add(job, k.Name, 1)
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Length", strconv.Itoa(len(out)))
	w.Header().Set(api.RanOnHeader, api.Soft)
	_, _ = w.Write(out) // the caller has gone, or gets it
	return nil
}

// readFrame reads a body into no more memory than was reserved for it.
func readFrame(r *http.Request, limit int64) ([]byte, error) {
	if r.ContentLength < 0 {
		return readLimited(r, "the frame", limit)
	}
	in := make([]byte, r.ContentLength)
	if _, err := io.ReadFull(r.Body, in); err != nil {
		return nil, badRequest{fmt.Errorf("the frame was cut off: %w", err)}
	}
	return in, nil
}

// runKernel calls a kernel when it has its turn; done gives the answer's memory back. Errors: badRequest for a frame that does not
// fit, limitError for an answer that is too large, queue.ErrUnavailable.
func (n *Node) runKernel(r *http.Request, s *session, k api.Kernel, in []byte, width int) (out []byte, done func(), err error) {
	engine, letGo, err := n.kernels.use(r.Context(), k.Digest, func() (*soft.Engine, error) {
		return s.openKernel(context.WithoutCancel(r.Context()), k) // others may wait for it
	})
	if err != nil {
		return nil, nil, err
	}
	defer letGo()
	plan, err := engine.Plan(len(in), width)
	if fit := new(frame.Error); errors.As(err, &fit) {
		return nil, nil, badRequest{fmt.Errorf("%s: %s", k.Name, fit.Reason)} // the engine may have been made under another name
	}
	if err != nil {
		return nil, nil, err
	}
	if done, err = n.kernels.reserve(int64(plan.OutBytes)); err != nil {
		return nil, nil, err
	}
	select {
	case n.kernels.turns <- struct{}{}:
		defer func() { <-n.kernels.turns }()
	case <-r.Context().Done():
		done()
		return nil, nil, r.Context().Err()
	}
	if out, err = engine.Run(r.Context(), in, width); err != nil {
		done()
		return nil, nil, err
	}
	return out, done, nil
}

// widthParam reads ?width=; 0 where it is not given.
func widthParam(r *http.Request) (int, error) {
	text := r.URL.Query().Get("width")
	if text == "" && !r.URL.Query().Has("width") {
		return 0, nil
	}
	n, err := strconv.ParseUint(text, 10, 31)
	if err != nil || n == 0 || n > ir.MaxCount {
		return 0, badRequest{fmt.Errorf("width=%.40q: it counts the words in a row, from 1", text)}
	}
	return int(n), nil
}
