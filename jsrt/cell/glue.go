package cell

// glue makes what a handler sees (batch, messages, env, ctx) out of the functions of the child.
// It runs before the program and takes hold of what it needs, so that a program that changes
// builtins harms only itself.
const glue = `(function (host) {
	const { parse, stringify } = JSON;
	const settled = Promise.resolve();
	const needFinite = s => { if (!(s >= 0 && s < 1e9)) throw new RangeError('delaySeconds is a number of seconds'); return s; };

	class Message {
		#index; #body; #parsed = false;
		constructor(index, id, key, time, attempts, headers) {
			this.#index = index;
			this.id = id; this.key = key; this.timestamp = new Date(time); this.attempts = attempts; this.headers = headers;
		}
		get body() {
			if (!this.#parsed) {
				this.#body = host.isJSON(this.#index) ? parse(host.text(this.#index)) : host.bytes(this.#index);
				this.#parsed = true;
			}
			return this.#body;
		}
		text() { return host.text(this.#index); }
		json() { return parse(host.text(this.#index)); }
		ack() { host.verdict(this.#index, false, 0); }
		retry(o) { host.verdict(this.#index, true, needFinite(o?.delaySeconds ?? 0)); }
	}

	const sender = stream => (value, o) => {
		let kind = 0, headers = o?.headers;
		if (typeof value === 'string') kind = 1;
		else if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) kind = 2;
		else {
			value = stringify(value);
			if (value === undefined) throw new TypeError('send: this value cannot be written as JSON');
			headers = { 'content-type': 'application/json', ...headers };
		}
		host.send(stream, value, kind === 2, o?.key, headers);
		return settled;
	};

	const bind = (name, b) => {
		if (b.kind === 'text') return b.value;
		if (b.kind === 'json') return parse(b.value);
		const o = b.kind === 'calls' && b.value ? parse(b.value) : {};
		if (b.kind === 'stream') o.send = sender(b.value);
		for (const m of b.methods || []) o[m] = (...args) => host.call(name, m, args);
		return Object.freeze(o);
	};

	const makeEnv = bindings => {
		const env = { out: Object.freeze({ send: sender('') }), kernels: {} }, modules = {};
		for (const name of host.kernelNames()) env.kernels[name] = async (input, options) => host.kernel(name, input, options?.width);
		Object.freeze(env.kernels);
		for (const name of Object.keys(bindings).sort()) {
			if (name.includes(':')) {
				modules[name] = bind(name, bindings[name]);
				continue;
			}
			const path = name.split('.'), last = path.pop();
			let at = env;
			for (const p of path) at = at[p] ??= {};
			at[last] = bind(name, bindings[name]);
		}
		Object.defineProperty(globalThis, Symbol.for('capo:modules'), { value: Object.freeze(modules) });
		return env;
	};

	const makeContext = attempt => {
		const waiting = [];
		return [{ attemptId: attempt, waitUntil(p) { waiting.push(Promise.resolve(p).catch(e => host.lost(e))); } }, waiting];
	};
	const finish = async (value, waiting) => {
		const v = await value;
		for (let i = 0; i < waiting.length; i++) await waiting[i];
		return v;
	};

	return {
		env: null,
		bindAll(json) { this.env = makeEnv(parse(json)); },
		error: text => new Error(text),
		parse, stringify,
		run(app, f, attempt) {
			const [ctx, waiting] = makeContext(attempt);
			return finish(f.call(app, this.env, ctx), waiting);
		},
		queue(app, f, attempt, queue, count) {
			const [ctx, waiting] = makeContext(attempt);
			const messages = [];
			for (let i = 0; i < count; i++) messages.push(host.message(i, Message));
			const all = (retry, delay) => { for (let i = 0; i < count; i++) host.verdict(i, retry, delay); };
			const batch = { queue, messages, ackAll() { all(false, 0); }, retryAll(o) { all(true, needFinite(o?.delaySeconds ?? 0)); } };
			return finish(f.call(app, batch, this.env, ctx), waiting);
		},
		scheduled(app, f, attempt, time, cron) {
			const [ctx, waiting] = makeContext(attempt);
			return finish(f.call(app, { type: 'scheduled', scheduledTime: time, cron }, this.env, ctx), waiting);
		},
		plain(value) {
			const walk = (v, path, seen) => {
				if (typeof v === 'function' || typeof v === 'symbol' || typeof v === 'bigint')
					throw new TypeError(path + ' is a ' + typeof v + ': the settings of a job are plain data');
				if (typeof v !== 'object' || v === null) return;
				if (seen.includes(v)) throw new TypeError(path + ' refers to itself: the settings of a job are plain data');
				for (const k of Object.keys(v)) walk(v[k], Array.isArray(v) ? path + '[' + k + ']' : path + '.' + k, [...seen, v]);
			};
			walk(value, 'job', []);
			return stringify(value);
		},
	};
})`
