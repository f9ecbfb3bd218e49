package irtest

// The kernels of docs/kernels.md, as the front end makes them, for benchmarks.
const (
	Gray = `kernel "gray"
stage word 1 1
  in {"r": u8, "g": u8, "b": u8}
  out u8
  v0 = in 0 0 0
  v1 = const 77
  v2 = mul v0 v1
  v3 = in 1 0 0
  v4 = const 150
  v5 = mul v3 v4
  v6 = add v2 v5
  v7 = in 2 0 0
  v8 = const 29
  v9 = mul v7 v8
  v10 = add v6 v9
  v11 = const 128
  v12 = add v10 v11
  v13 = const 8
  v14 = shr v12 v13
  v15 = wrapu v14 8
  give v15
end
`
	FIR = `kernel "fir"
stage taps 1 5
  in i16
  out i16
  v0 = in 0 0 0
  v1 = in 0 0 1
  v2 = const 4
  v3 = mul v1 v2
  v4 = add v0 v3
  v5 = in 0 0 2
  v6 = const 6
  v7 = mul v5 v6
  v8 = add v4 v7
  v9 = in 0 0 3
  v10 = mul v9 v2
  v11 = add v8 v10
  v12 = in 0 0 4
  v13 = add v11 v12
  v14 = shr v13 v2
  v15 = wraps v14 16
  give v15
end
`
	Sobel = `kernel "sobel"
stage window 3 3
  in u8
  out u8c
  edge clamp
  maxwidth 2048
  v0 = in 0 0 2
  v1 = in 0 1 2
  v2 = const 2
  v3 = mul v1 v2
  v4 = add v0 v3
  v5 = in 0 2 2
  v6 = add v4 v5
  v7 = in 0 0 0
  v8 = sub v6 v7
  v9 = in 0 1 0
  v10 = mul v9 v2
  v11 = sub v8 v10
  v12 = in 0 2 0
  v13 = sub v11 v12
  v14 = in 0 2 1
  v15 = mul v14 v2
  v16 = add v12 v15
  v17 = add v16 v5
  v18 = sub v17 v7
  v19 = in 0 0 1
  v20 = mul v19 v2
  v21 = sub v18 v20
  v22 = sub v21 v0
  v23 = abs v13
  v24 = abs v22
  v25 = add v23 v24
  v26 = const 0
  v27 = const 255
  v28 = max v25 v26
  v29 = min v28 v27
  give v29
end
`
	CRC = `kernel "crc"
stage fold 1 1
  in u8
  out u32
  state u32
  init 4294967295
  last
  table 0 %s
  v0 = state 0
  v1 = in 0 0 0
  v2 = xor v0 v1
  v3 = const 255
  v4 = and v2 v3
  v5 = table v4 0
  v6 = const 8
  v7 = shr v0 v6
  v8 = xor v5 v7
  v9 = const 4294967295
  v10 = xor v8 v9
  give v10
  next v8
end
`
)
