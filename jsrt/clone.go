package jsrt

// clone is structuredClone, for the types that the VM has. What cannot be cloned throws.
const clone = `(function (g) {
	const fail = what => { const e = new Error(what + ' could not be cloned'); e.name = 'DataCloneError'; throw e; };
	const boxed = [Boolean, Number, String];
	const errors = { Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError };
	const copy = (v, seen) => {
		if (typeof v === 'function' || typeof v === 'symbol') fail(String(v));
		if (typeof v !== 'object' || v === null) return v;
		if (seen.has(v)) return seen.get(v);
		const keep = c => { seen.set(v, c); return c; };
		if (v instanceof Date) return keep(new Date(v.getTime()));
		if (v instanceof RegExp) return keep(new RegExp(v.source, v.flags));
		for (const B of boxed) if (v instanceof B) return keep(Object(v.valueOf()));
		if (v instanceof ArrayBuffer) return keep(v.slice(0));
		if (v instanceof DataView) return keep(new DataView(copy(v.buffer, seen), v.byteOffset, v.byteLength));
		if (ArrayBuffer.isView(v)) return keep(new v.constructor(copy(v.buffer, seen), v.byteOffset, v.length));
		if (v instanceof Map) { const c = keep(new Map()); for (const [k, x] of v) c.set(copy(k, seen), copy(x, seen)); return c; }
		if (v instanceof Set) { const c = keep(new Set()); for (const x of v) c.add(copy(x, seen)); return c; }
		if (v instanceof Error) {
			const c = keep(new (errors[v.name] || Error)(v.message));
			if ('cause' in v) c.cause = copy(v.cause, seen);
			if (typeof v.stack === 'string') c.stack = v.stack;
			return c;
		}
		if (v instanceof Promise || v instanceof WeakMap || v instanceof WeakSet) fail('a ' + v.constructor.name);
		const c = keep(Array.isArray(v) ? new Array(v.length) : {});
		for (const k of Object.keys(v)) c[k] = copy(v[k], seen);
		return c;
	};
	Object.defineProperty(g, 'structuredClone', { writable: true, configurable: true, value: function structuredClone(value) {
		if (arguments.length === 0) throw new TypeError('structuredClone needs a value');
		return copy(value, new Map());
	} });
})(globalThis)`

func (r *Runtime) installClone() { _, _ = r.vm.RunScript("capo:clone", clone) }
