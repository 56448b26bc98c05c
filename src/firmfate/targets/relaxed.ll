; A fused multiply-add by WebAssembly's relaxed SIMD. An engine decides once whether it rounds once or twice; who loads
; the module must see that it is once.

define hidden double @firmfate_fused(double %a, double %b, double %c) alwaysinline {
  %a.wide = insertelement <2 x double> undef, double %a, i32 0
  %b.wide = insertelement <2 x double> undef, double %b, i32 0
  %c.wide = insertelement <2 x double> undef, double %c, i32 0
  %wide = call <2 x double> @llvm.wasm.relaxed.madd.v2f64(<2 x double> %a.wide, <2 x double> %b.wide, <2 x double> %c.wide)
  %found = extractelement <2 x double> %wide, i32 0
  ret double %found
}

declare <2 x double> @llvm.wasm.relaxed.madd.v2f64(<2 x double>, <2 x double>, <2 x double>)
