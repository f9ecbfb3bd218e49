package verilog

import "fmt"

// fir is a binomial filter over five bytes.
const fir = `kernel "fir"
stage taps 1 5
  in u8
  out u8
  v0 = in 0 0 0
  v1 = in 0 0 1
  v2 = in 0 0 2
  v3 = in 0 0 3
  v4 = in 0 0 4
  v5 = const 4
  v6 = mul v1 v5
  v7 = add v0 v6
  v8 = const 6
  v9 = mul v2 v8
  v10 = add v7 v9
  v11 = mul v3 v5
  v12 = add v10 v11
  v13 = add v12 v4
  v14 = shr v13 v5
  give v14
end
`

// sobel is |gx| + |gy|, clamped.
func sobel(maxWidth int) string {
	return fmt.Sprintf(`kernel "sobel"
stage window 3 3
  in u8
  out u8c
  edge clamp
  maxwidth %d
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
  v26 = const 255
  v27 = min v25 v26
  give v27
end
`, maxWidth)
}
