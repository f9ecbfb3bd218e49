package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/capodekappa/capo/node/api"
)

// hostPart: three host nodes from their start to a log of three replicas that takes records.
func hostPart(ctx context.Context, l *lab) error {
	for range l.cfg.Runs {
		err := l.up(ctx, func(rows []api.Node, took time.Duration) error {
			l.note("three host nodes to a usable log", "s", 5, slowest(rows))
			l.note("capo up of three host nodes", "s", 0, took.Seconds())
			_, first, err := l.capo(ctx, "put", "bench", "/dev/null")
			if err == nil {
				l.note("first append, its stream made", "ms", 0, float64(first.Milliseconds()))
			}
			return err
		}, "--board", "host")
		if err != nil {
			return err
		}
	}
	return nil
}

// slowest is when the last node became ready, in seconds since it began.
func slowest(rows []api.Node) float64 {
	var ms int64
	for _, r := range rows {
		ms = max(ms, r.ReadyMS)
	}
	return float64(ms) / 1000
}

// deployPart: the wall time of `capo deploy` for a job of 10 KB on three host nodes.
func deployPart(ctx context.Context, l *lab) error {
	return l.up(ctx, func([]api.Node, time.Duration) error {
		for i := range l.cfg.Runs {
			file, err := l.file("ten.ts", tenKB(i))
			if err != nil {
				return err
			}
			_, took, err := l.capo(ctx, "deploy", file)
			if err != nil {
				return err
			}
			l.note("deploy of 10 KB to three host nodes", "ms", 250, float64(took.Milliseconds()))
		}
		return nil
	}, "--board", "host")
}

// tenKB is a job of ten kilobytes whose every function is used, different in each run.
func tenKB(run int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "export const job = { name: 'ten', in: 'ten.in', out: 'ten.out' }\nconst run = %d\nconst table: Record<string, (n: number) => number> = {\n", run)
	for i := 0; b.Len() < 10_000; i++ {
		fmt.Fprintf(&b, "  f%d: (n: number): number => (n * %d + %d) %% %d,\n", i, i+2, i*7+run, i+1009)
	}
	b.WriteString("}\nexport default { async queue(batch: any, env: any) {\n  for (const m of batch.messages) await env.out.send(Object.values(table).reduce((n, f) => f(n), Number(m.text())))\n} }\n")
	return b.String()
}

// imagePart: the size of Linux and the initramfs, and how long an image takes with a warm cache.
func imagePart(ctx context.Context, l *lab) error {
	for range l.cfg.Runs {
		out, took, err := l.capo(ctx, "image", "--board", "qemu-amd64", "--no-token", "--out", l.dir+"/image", "-o", "json")
		if err != nil {
			return err
		}
		var r struct {
			Bytes int64 `json:"bytes"`
		}
		if err := json.Unmarshal(out, &r); err != nil {
			return err
		}
		l.note("Linux and initramfs of qemu-amd64", "MB", 30, float64(r.Bytes)/1e6)
		l.note("capo image, warm cache", "s", 0, took.Seconds())
	}
	return nil
}

// bootPart: machines in QEMU, by their own clocks, from PID 1 on.
func bootPart(ctx context.Context, l *lab) error {
	for range l.cfg.Runs {
		err := l.up(ctx, func(rows []api.Node, took time.Duration) error {
			l.note("three machines ready after the third PID 1", "s", 10, sinceLastPID1(rows))
			l.note("capo up of three machines", "s", 0, took.Seconds())
			return l.joinLater(ctx, rows)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// sinceLastPID1 is how long the youngest node's process had run when all were seen ready, in
// seconds: a little more than the time from its PID 1 to the fleet's being ready.
func sinceLastPID1(rows []api.Node) float64 {
	least := rows[0].UptimeMS
	for _, r := range rows {
		least = min(least, r.UptimeMS)
	}
	return float64(least) / 1000
}

// joinLater starts one more machine and reads when the log showed it ready, by its clock.
func (l *lab) joinLater(ctx context.Context, before []api.Node) error {
	if _, _, err := l.capo(ctx, "up", "--more", "1"); err != nil {
		return err
	}
	rows, err := l.nodes(ctx)
	if err != nil {
		return err
	}
	known := map[string]bool{}
	for _, r := range before {
		known[r.ID] = true
	}
	for _, r := range rows {
		if !known[r.ID] {
			l.note("PID 1 to ready where a log exists", "s", 4, float64(r.ReadyMS)/1000)
			return nil
		}
	}
	return fmt.Errorf("the machine that was added is not among the nodes")
}

// memoryPart: nodes that run a job in machines of 128 MB, and what an idle node takes.
func memoryPart(ctx context.Context, l *lab) error {
	file, err := l.file("small.ts", "export default { run() { return [...Array(1000).keys()].reduce((a, b) => a + b) } }")
	if err != nil {
		return err
	}
	for range l.cfg.Runs {
		err := l.up(ctx, func(rows []api.Node, _ time.Duration) error {
			if _, _, err := l.capo(ctx, "run", file); err != nil {
				return err
			}
			l.note("a job ran in a machine of", "MB", 128, 128)
			select {
			case <-ctx.Done():
				return context.Cause(ctx)
			case <-time.After(10 * time.Second):
			}
			rows, err := l.nodes(ctx)
			if err != nil {
				return err
			}
			for _, r := range rows {
				l.note("resident, idle", "MB", 40, float64(r.Resident)/1e6)
				l.note("free of 128 MB, idle", "MB", 0, float64(r.MemFree)/1e6)
			}
			return nil
		}, "--mem", "128M", "--nodes", "1")
		if err != nil {
			return err
		}
	}
	return nil
}
