package main

import (
	"errors"
	"testing"
	"time"
)

func TestAHostNodesTimeIsThatOfItsProcess(t *testing.T) {
	first := newHostLife(time.Hour)
	defer first.cancel()
	t.Setenv(endsVariable, "1000")
	again := newHostLife(time.Hour)
	defer again.cancel()
	<-again.ctx.Done()
	if first.ctx.Err() != nil || !again.ends.Before(first.ends) {
		t.Errorf("the first ends %v, the next one %v", first.ends, again.ends)
	}
	if never := newHostLife(0); never.ctx.Err() != nil || !never.ends.IsZero() {
		t.Error("one without a limit has one")
	}
}

func TestAHostNodeThatIsSwitchedOffEnds(t *testing.T) {
	l := newHostLife(0)
	l.poweroff()
	<-l.ctx.Done()
	failed := errors.New("the node failed")
	if err := l.after(failed); !errors.Is(err, failed) {
		t.Errorf("got %v", err)
	}
}
