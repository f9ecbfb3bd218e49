package cell

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestScheduled(t *testing.T) {
	c := start(t, testConfig(`async scheduled(event, env, ctx) {
		ctx.waitUntil((async () => { await null; await env.out.send('later') })());
		await env.out.send({ ...event, attempt: ctx.attemptId }, { key: 'k' });
		if (event.cron === 'bad') throw new RangeError('no')
	}`))
	for range 2 {
		sends, err := c.Scheduled(t.Context(), Scheduled{AttemptID: "a1", Limit: patience(time.Second), Time: 1_700_000_000_123, Cron: "*/5 * * * *"})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, s := range sends {
			got = append(got, fmt.Sprintf("%s|%s|%s", s.Stream, s.Key, s.Body))
		}
		want := "|k|" + `{"type":"scheduled","scheduledTime":1700000000123,"cron":"*/5 * * * *","attempt":"a1"}`
		if all := strings.Join(got, "\n"); all != want+"\n||later" && all != "||later\n"+want {
			t.Errorf("sent\n%s", all)
		}
	}
	if _, err := c.Scheduled(t.Context(), Scheduled{Cron: "bad"}); !errors.As(err, new(*JSError)) {
		t.Errorf("a handler that throws: %v", err)
	}
	if _, err := c.Run(t.Context(), Run{}); !errors.Is(err, ErrNoHandler) {
		t.Errorf("another handler: %v", err)
	}
}
