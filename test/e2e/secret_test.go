package e2e

import (
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/capodekappa/capo/fleet"
	"github.com/capodekappa/capo/fleet/trust"
	"github.com/capodekappa/capo/node/api"
	"github.com/capodekappa/capo/test/need"
)

const secretJob = `
export const job = { name: 'keyed', in: 'asks', out: 'answers', retry: { max: 0 }, bind: { API_KEY: 'secret', other: 'secret:second-key' } }
export default {
  async queue(batch: any, env: any) {
    for (const m of batch.messages) {
      console.log('key is ' + env.API_KEY + ', in base64 ' + btoa('user:' + env.API_KEY))
      if (m.text() === 'throw') throw new Error('refused: ' + env.API_KEY)
      await env.out.send({ ask: m.text(), length: env.API_KEY.length, last: env.API_KEY.slice(-3), other: env.other.length })
    }
  },
  run(env: any) { return { is: env.API_KEY, length: env.API_KEY.length } },
}
`

const (
	secretValue = "correct-horse/battery+staple-one"
	secretNew   = "quite-another-value-of-it-two!"
	secretOther = "the second secret"
)

// nowhere wants a value in none of the texts, in no form.
func nowhere(t *testing.T, where, text string, values ...string) {
	t.Helper()
	for _, v := range values {
		for _, form := range []string{v, base64.StdEncoding.EncodeToString([]byte(v))[:len(v)/3*4], base64.StdEncoding.EncodeToString([]byte("user:" + v))[8:len(v)]} {
			if i := strings.Index(text, form); i >= 0 {
				t.Errorf("%s shows a secret: %.200s", where, text[max(0, i-80):])
			}
		}
	}
}

func (o *operator) job(name string) api.Job {
	o.t.Helper()
	var j api.Job
	o.json(&j, "job", name)
	return j
}

// waitJob waits for a job's state.
func (o *operator) waitJob(name, state string, nodes int) api.Job {
	o.t.Helper()
	var j api.Job
	eventually(o.t, 20*time.Second, func() error {
		if j = o.job(name); j.State != state || len(j.Nodes) != nodes {
			return fmt.Errorf("job is %+v, want %s on %d nodes", j, state, nodes)
		}
		return nil
	})
	return j
}

func TestSecretsReachTheJobsThatBindThemAndNoLog(t *testing.T) {
	t.Parallel()
	o := newOperator(t)
	nodes := o.up("--nodes", "5")
	file := o.file("keyed.ts", secretJob)

	if r := o.try("deploy", file, "--wait", "1s"); r.code == 0 || !strings.Contains(r.err, "waits for the secret API_KEY (capo secret put API_KEY)") {
		t.Errorf("deploy without the secrets: exit code %d: %s", r.code, r.err)
	}
	var rows []api.Job
	o.json(&rows, "jobs")
	if len(rows) != 1 || rows[0].State != api.JobPending || !strings.Contains(rows[0].Waits, "waits for the secret API_KEY") {
		t.Errorf("jobs: %+v", rows)
	}
	var put struct {
		Generation uint64
		Sealed     []string
	}
	if err := json.Unmarshal([]byte(o.capoWith(secretValue+"\n", "secret", "put", "API_KEY", "-o", "json")), &put); err != nil || put.Generation != 1 || len(put.Sealed) != 5 {
		t.Errorf("put: %+v, %v; want it sealed to the five nodes", put, err)
	}
	eventually(t, 10*time.Second, func() error {
		if j := o.job("keyed"); !strings.Contains(j.Waits, "waits for the secret second-key") {
			return fmt.Errorf("job is %+v", j)
		}
		return nil
	})
	o.capo("secret", "put", "second-key", o.file("second.txt", secretOther))
	o.waitJob("keyed", api.JobRunning, 5)

	answer := func(ask, want string) {
		t.Helper()
		o.capoWith(ask, "put", "asks")
		eventually(t, 15*time.Second, func() error {
			if text := o.capo("get", "answers"); !strings.Contains(text, `\"ask\":\"`+ask+`\"`) || !strings.Contains(text, want) {
				return fmt.Errorf("answers: %s, want %s", text, want)
			}
			return nil
		})
	}
	answer("a", fmt.Sprintf(`\"length\":%d,\"last\":\"one\",\"other\":%d`, len(secretValue), len(secretOther)))

	t.Run("what it prints and throws is redacted", func(t *testing.T) {
		o.capoWith("throw", "put", "asks")
		eventually(t, 10*time.Second, func() error {
			if dead := o.try("get", "keyed.dead").out; !strings.Contains(dead, "refused: [secret API_KEY]") {
				return fmt.Errorf("dead letters: %s", dead)
			}
			if logs := o.capo("logs", "keyed"); !strings.Contains(logs, "key is [secret API_KEY]") || !strings.Contains(logs, "refused: [secret API_KEY]") {
				return fmt.Errorf("logs: %s", logs)
			}
			return nil
		})
		if e := o.job("keyed").LastError; e == nil || e.Message != "Error: refused: [secret API_KEY]" {
			t.Errorf("last error: %+v", e)
		}
		results := o.capo("run", file, "-o", "json")
		if !strings.Contains(results, "[secret API_KEY]") || !strings.Contains(results, fmt.Sprint(len(secretValue))) {
			t.Errorf("results: %s", results)
		}
	})
	t.Run("a job that does not bind it has none", func(t *testing.T) {
		var results []api.Result
		o.json(&results, "run", o.file("plain.ts", `export default { run(env: any) { return Object.keys(env) } }`))
		if len(results) != 5 {
			t.Errorf("%d results", len(results))
		}
		for _, r := range results {
			if !r.OK || strings.Contains(string(r.Value), "API_KEY") {
				t.Errorf("result %s", r.Value)
			}
		}
		if r := o.try("run", o.file("none.ts", `export const job = { bind: { NOPE: 'secret' } }; export default { run() { return 1 } }`)); r.code != 1 || !strings.Contains(r.out, "capo secret put NOPE") {
			t.Errorf("exit code %d: %s%s", r.code, r.out, r.err)
		}
	})
	t.Run("a log server gives it to those that may have it", func(t *testing.T) { o.askForSecrets(nodes) })
	t.Run("put anew, it is taken up", func(t *testing.T) {
		o.capoWith(secretNew, "secret", "put", "API_KEY")
		eventually(t, 20*time.Second, func() error {
			o.capoWith("b", "put", "asks")
			if text := o.capo("get", "answers"); !strings.Contains(text, `\"last\":\"wo!\"`) {
				return fmt.Errorf("answers: %s", text)
			}
			return nil
		})
		var secrets []api.Secret
		o.json(&secrets, "secret", "ls")
		if len(secrets) != 2 || secrets[0].Generation != 2 || !secrets[0].Put || !slices.Equal(secrets[0].Jobs, []string{"keyed", "there"}) || secrets[0].Signer == "" || time.Since(secrets[0].Time) > time.Minute {
			t.Errorf("secret ls: %+v", secrets)
		}
	})
	t.Run("it is nowhere in clear", func(t *testing.T) {
		for _, path := range []string{"/v1/log", "/v1/jobs", "/v1/jobs/keyed", "/v1/nodes", "/v1/logs", "/v1/secrets", "/v1/streams/asks", "/v1/streams/answers", "/v1/streams/keyed.dead", "/metrics"} {
			nowhere(t, path, o.capo("curl", path), secretValue, secretNew, secretOther)
		}
		for path, text := range o.rawControl(nodes) {
			nowhere(t, path, text, secretValue, secretNew, secretOther)
			if !strings.Contains(text, `"data"`) {
				t.Errorf("%s is empty: %s", path, text)
			}
		}
		logs, _ := filepath.Glob(filepath.Join(o.dir, "state/capo/up/*/*.log"))
		if len(logs) != 5 {
			t.Errorf("logs of nodes: %v", logs)
		}
		for _, path := range logs {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			nowhere(t, path, string(text), secretValue, secretNew, secretOther)
		}
	})
	t.Run("without it the job waits", func(t *testing.T) {
		if r := o.try("secret", "rm", "API_KEY"); r.code != 2 {
			t.Errorf("rm without --yes: exit code %d", r.code)
		}
		o.capo("secret", "rm", "API_KEY", "--yes")
		eventually(t, 15*time.Second, func() error {
			if j := o.job("keyed"); j.State != api.JobPending || !strings.Contains(j.Waits, "API_KEY") {
				return fmt.Errorf("job is %+v", j)
			}
			return nil
		})
		if r := o.try("secret", "rm", "API_KEY", "--yes"); r.code != 1 || !strings.Contains(r.err, "there is no secret API_KEY") {
			t.Errorf("rm again: exit code %d: %s", r.code, r.err)
		}
	})
}

// asNode is a client that speaks to a node as another one of the fleet.
func (o *operator) asNode(to api.Node, id string) *api.Client {
	o.t.Helper()
	paths, _ := filepath.Glob(filepath.Join(o.dir, "state/capo/up/*/fleet.json"))
	if len(paths) != 1 {
		o.t.Fatalf("fleet files: %v", paths)
	}
	raw, err := os.ReadFile(paths[0])
	if err != nil {
		o.t.Fatal(err)
	}
	m, err := fleet.ParseMembership(raw)
	if err != nil {
		o.t.Fatal(err)
	}
	authority, _, err := m.Enter(id, trust.Options{})
	if err != nil {
		o.t.Fatal(err)
	}
	return api.New(to.Address, authority.Client(nil))
}

// logServers are the rows of the nodes that carry the log, and of those that do not.
func logServers(nodes []api.Node) (servers, others []api.Node) {
	for _, n := range nodes {
		if n.Log == string(fleet.RoleServer) {
			servers = append(servers, n)
		} else {
			others = append(others, n)
		}
	}
	return servers, others
}

func (o *operator) incarnation() string {
	o.t.Helper()
	var standing api.Standing
	if err := json.Unmarshal([]byte(o.capo("curl", "/v1/log/standing?class=job&target=x")), &standing); err != nil {
		o.t.Fatal(err)
	}
	return standing.Log
}

// runSeq is the sequence of a run's record.
func (o *operator) runSeq(prefix string) string {
	o.t.Helper()
	for line := range strings.Lines(o.capo("curl", "/v1/log")) {
		var e api.ControlEntry
		if err := json.Unmarshal([]byte(line), &e); err == nil && e.Kind == "run" && strings.HasPrefix(e.Target, prefix) {
			return fmt.Sprint(e.Seq)
		}
	}
	o.t.Fatalf("no run of %s is in the control log", prefix)
	return ""
}

func (o *operator) askForSecrets(nodes []api.Node) {
	t := o.t
	servers, others := logServers(nodes)
	if len(servers) != 3 || len(others) != 2 {
		t.Fatalf("%d servers, %d others", len(servers), len(others))
	}
	log := o.incarnation()
	o.capo("deploy", o.file("there.ts", `export const job = { name: 'there', bind: { API_KEY: 'secret' }, place: { on: 'id=`+others[0].ID+`' } }; export default { run() { return 1 } }`))
	for _, tt := range []struct {
		what, as, name, job, run string
		status                   int
	}{
		{"a node that the job is on", others[0].ID, "API_KEY", "there", "", 200},
		{"a node that it is not on", others[1].ID, "API_KEY", "there", "", 403},
		{"a secret that it does not bind", others[0].ID, "second-key", "there", "", 403},
		{"a job that is not there", others[0].ID, "API_KEY", "nothing", "", 403},
		{"no job, by no log server", others[0].ID, "API_KEY", "", "", 403},
		{"no job, by a log server", servers[1].ID, "API_KEY", "", "", 200},
		{"a run that was answered", others[0].ID, "API_KEY", "", o.runSeq("keyed-"), 403},
		{"a run that is none", others[0].ID, "API_KEY", "", "999999", 403},
		{"a node that nobody knows", "n99", "API_KEY", "keyed", "", 403},
	} {
		key, err := o.asNode(servers[0], tt.as).SecretKey(t.Context(), log, tt.name, tt.job, tt.run)
		var status *api.StatusError
		switch {
		case tt.status == http.StatusOK && (err != nil || key.Generation != 1 || len(key.Key) != 32):
			t.Errorf("%s: %v", tt.what, err)
		case tt.status != http.StatusOK && (!errors.As(err, &status) || status.Problem.Status != tt.status):
			t.Errorf("%s: %v, want %d", tt.what, err, tt.status)
		}
	}
	if r := o.try("curl", "/v1/core/"+log+"/secrets/API_KEY?job=keyed"); r.code == 0 {
		t.Errorf("an operator was given the key of a secret: %s", r.out)
	}
	anybody := api.New(servers[0].Address, &tls.Config{InsecureSkipVerify: true})
	if _, err := anybody.SecretKey(t.Context(), log, "API_KEY", "keyed", ""); !api.IsStatus(err, http.StatusUnauthorized) {
		t.Errorf("nobody: %v", err)
	}
	if metrics := o.capo("curl", "--node", servers[0].Address, "/metrics"); !strings.Contains(metrics, `capo_refused_total{reason="role"}`) {
		t.Errorf("refusals are not counted: %s", metrics)
	}
}

// rawControl is the control log as nodes read it, with the other parts of the core.
func (o *operator) rawControl(nodes []api.Node) map[string]string {
	o.t.Helper()
	servers, others := logServers(nodes)
	client, out := o.asNode(servers[0], others[0].ID), map[string]string{}
	for _, path := range []string{"/control?from=1", "/state?prefix=node"} {
		var b strings.Builder
		err := client.Lines(o.t.Context(), "/v1/core/"+o.incarnation()+path, func(line []byte) error {
			var row struct {
				Data []byte
				End  bool
			}
			if err := json.Unmarshal(line, &row); err != nil {
				return err
			}
			fmt.Fprintf(&b, "%s\n%s\n", line, row.Data)
			if row.End {
				return api.ErrStop
			}
			return nil
		})
		if err != nil {
			o.t.Fatal(err)
		}
		out[path] = b.String()
	}
	return out
}

// TestASecretOutlivesALogServer: it was sealed to the three servers alone. A node that comes to need it asks them, and so does the one that
// takes a seat for a server that is lost.
func TestASecretOutlivesALogServer(t *testing.T) {
	t.Parallel()
	o := newOperator(t)
	servers, others := logServers(o.up("--nodes", "5"))
	if len(servers) != 3 || len(others) != 2 {
		t.Fatalf("%d servers, %d others", len(servers), len(others))
	}
	o.capoWith(secretValue, "secret", "put", "API_KEY")
	on := func(name string, n api.Node) {
		t.Helper()
		o.capo("deploy", o.file(name+".ts", `export const job = { name: '`+name+`', in: '`+name+`-in', out: '`+name+`-out', bind: { key: 'secret:API_KEY' }, place: { on: 'id=`+n.ID+`' } }
export default { async queue(batch: any, env: any) { await env.out.send({ length: env.key.length }) } }`))
		o.capoWith("x", "put", name+"-in")
		eventually(t, 10*time.Second, func() error {
			if text := o.capo("get", name+"-out"); !strings.Contains(text, fmt.Sprintf(`{\"length\":%d}`, len(secretValue))) {
				return fmt.Errorf("%s", text)
			}
			return nil
		})
	}
	on("before", others[0])

	gone := servers[1]
	for _, n := range o.running("dev").Nodes {
		if n.ID == gone.ID {
			if err := syscall.Kill(n.Process.PID, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
		}
	}
	on("after", others[1])

	var heir api.Node
	eventually(t, 60*time.Second, func() error {
		var rows []api.Node
		o.json(&rows, "nodes")
		now, _ := logServers(rows)
		i := slices.IndexFunc(now, func(n api.Node) bool { return n.ID == others[0].ID || n.ID == others[1].ID })
		if i < 0 {
			return fmt.Errorf("the seat of %s is nobody's yet", gone.ID)
		}
		heir = now[i]
		return nil
	})
	// The heir has it in the name of a server: it is asked in the name of one.
	log := o.incarnation()
	eventually(t, 20*time.Second, func() error {
		key, err := o.asNode(heir, servers[0].ID).SecretKey(t.Context(), log, "API_KEY", "", "")
		if err == nil && len(key.Key) != 32 {
			err = fmt.Errorf("key of %d bytes", len(key.Key))
		}
		return err
	})
}

// TestARollingRebootOfAllServersKeepsSecrets: each server comes back without any, and has them again from the others before the last
// one that they were sealed to goes. Afterwards the control log still takes records.
func TestARollingRebootOfAllServersKeepsSecretsLong(t *testing.T) {
	need.Long(t)
	t.Parallel()
	o := newOperator(t)
	o.up("--nodes", "3")
	o.capoWith(secretValue, "secret", "put", "API_KEY")
	file := o.file("keyed.ts", `export const job = { bind: { key: 'secret:API_KEY' } }; export default { run(env: any) { return env.key.length } }`)
	o.capo("deploy", file)
	o.capo("reboot", "", "--yes")
	o.waitJob("keyed", api.JobRunning, 3)
	var results []api.Result
	o.json(&results, "run", file)
	for _, r := range results {
		if !r.OK || string(r.Value) != fmt.Sprint(len(secretValue)) {
			t.Errorf("%+v", r)
		}
	}
}
