; A fused multiply-add for processors that have none: a b + c, rounded once, to the bits of IEEE 754.
;
; Of numbers of moderate size: error-free transforms and rounding to odd (Boldo & Melquiond 2008, Emulation of FMA and
; correctly rounded sums). Of others: integers of 128 bits, in the manner of musl's fma.c.

define hidden double @firmfate_fused(double %a, double %b, double %c) noinline {
  %a.bits = bitcast double %a to i64
  %b.bits = bitcast double %b to i64
  %c.bits = bitcast double %c to i64
  %a.size = call i1 @moderate(i64 %a.bits, i64 773, i64 500)
  %b.size = call i1 @moderate(i64 %b.bits, i64 773, i64 500)
  %c.size = call i1 @moderate(i64 %c.bits, i64 523, i64 1000)
  %ab.size = and i1 %a.size, %b.size
  %size = and i1 %ab.size, %c.size
  br i1 %size, label %moderate, label %any

moderate:
  ; product = high + low, by Dekker's split at 27 bits
  %high = fmul double %a, %b
  %a.t = fmul double %a, 134217729.0
  %a.u = fsub double %a.t, %a
  %a.high = fsub double %a.t, %a.u
  %a.low = fsub double %a, %a.high
  %b.t = fmul double %b, 134217729.0
  %b.u = fsub double %b.t, %b
  %b.high = fsub double %b.t, %b.u
  %b.low = fsub double %b, %b.high
  %hh = fmul double %a.high, %b.high
  %lh = fmul double %a.low, %b.high
  %hl = fmul double %a.high, %b.low
  %ll = fmul double %a.low, %b.low
  %e.1 = fsub double %high, %hh
  %e.2 = fsub double %e.1, %lh
  %e.3 = fsub double %e.2, %hl
  %low = fsub double %ll, %e.3
  ; c + low = middle + rest; high + middle = total + lost; lost + rest = tail + error
  %middle = fadd double %c, %low
  %rest = call double @error_of_sum(double %c, double %low, double %middle)
  %total = fadd double %high, %middle
  %lost = call double @error_of_sum(double %high, double %middle, double %total)
  %tail = fadd double %lost, %rest
  %error = call double @error_of_sum(double %lost, double %rest, double %tail)
  ; to odd: where something is lost, the last bit of the tail says so, and the last sum cannot round the wrong way
  %bits = bitcast double %tail to i64
  %even.bit = and i64 %bits, 1
  %even = icmp eq i64 %even.bit, 0
  %inexact = fcmp une double %error, 0.0
  %move = and i1 %even, %inexact
  %error.up = fcmp ogt double %error, 0.0
  %tail.up = fcmp ogt double %tail, 0.0
  %away = icmp eq i1 %error.up, %tail.up
  %by = select i1 %away, i64 1, i64 -1
  %step = select i1 %move, i64 %by, i64 0
  %odd.bits = add i64 %bits, %step
  %odd = bitcast i64 %odd.bits to double
  %near = fadd double %total, %odd
  ret double %near

any:
  %exact = call double @any_size(double %a, double %b, double %c)
  ret double %exact
}

; Whether an exponent is one of so many from the lowest on.
define internal i1 @moderate(i64 %bits, i64 %lowest, i64 %many) alwaysinline {
  %shifted = lshr i64 %bits, 52
  %exponent = and i64 %shifted, 2047
  %above = sub i64 %exponent, %lowest
  %found = icmp ult i64 %above, %many
  ret i1 %found
}

; What the sum of a and b has lost (Knuth).
define internal double @error_of_sum(double %a, double %b, double %sum) alwaysinline {
  %other = fsub double %sum, %a
  %back = fsub double %sum, %other
  %a.lost = fsub double %a, %back
  %b.lost = fsub double %b, %other
  %found = fadd double %a.lost, %b.lost
  ret double %found
}

define internal double @any_size(double %a, double %b, double %c) noinline {
  %a.abs = call double @llvm.fabs.f64(double %a)
  %b.abs = call double @llvm.fabs.f64(double %b)
  %c.abs = call double @llvm.fabs.f64(double %c)
  %a.finite = fcmp olt double %a.abs, 0x7FF0000000000000
  %b.finite = fcmp olt double %b.abs, 0x7FF0000000000000
  %c.finite = fcmp olt double %c.abs, 0x7FF0000000000000
  %a.some = fcmp une double %a, 0.0
  %b.some = fcmp une double %b, 0.0
  %c.some = fcmp une double %c, 0.0
  %finite = and i1 %a.finite, %b.finite
  %some = and i1 %a.some, %b.some
  %product = fmul double %a, %b
  %plain = fadd double %product, %c
  %ab.number = and i1 %finite, %some
  br i1 %ab.number, label %no.zero, label %simple

simple:                                             ; an infinity, a NaN or a zero as a factor
  %c.strange = xor i1 %c.finite, true
  %keep = and i1 %finite, %c.strange
  %found.simple = select i1 %keep, double %c, double %plain
  ret double %found.simple

no.zero:
  br i1 %c.finite, label %c.known, label %c.alone
c.alone:
  ret double %c
c.known:
  br i1 %c.some, label %integers, label %product.alone
product.alone:
  ret double %product

integers:                                           ; every number is m 2**x with m in [2**53, 2**54)
  %a.parts = call { i64, i64 } @parts(double %a.abs)
  %b.parts = call { i64, i64 } @parts(double %b.abs)
  %c.parts = call { i64, i64 } @parts(double %c.abs)
  %a.m = extractvalue { i64, i64 } %a.parts, 0
  %b.m = extractvalue { i64, i64 } %b.parts, 0
  %c.m = extractvalue { i64, i64 } %c.parts, 0
  %a.x = extractvalue { i64, i64 } %a.parts, 1
  %b.x = extractvalue { i64, i64 } %b.parts, 1
  %c.x = extractvalue { i64, i64 } %c.parts, 1
  %p = call i128 @product(i64 %a.m, i64 %b.m)
  %p.x = add i64 %a.x, %b.x
  ; both on one scale: c is shifted left by up to 64 bits, then the product right; or c right. Bits that fall off are
  ; kept as a last bit that is set.
  %d = sub i64 %c.x, %p.x
  %d.above = call i64 @llvm.smax.i64(i64 %d, i64 0)
  %c.left = call i64 @llvm.smin.i64(i64 %d.above, i64 64)
  %p.right = sub i64 %d.above, %c.left
  %d.back = sub i64 0, %d
  %c.right = call i64 @llvm.smax.i64(i64 %d.back, i64 0)
  %x = add i64 %p.x, %p.right
  %c.wide = zext i64 %c.m to i128
  %c.up = call i128 @up(i128 %c.wide, i64 %c.left)
  %c.at = call i128 @shifted(i128 %c.up, i64 %c.right)
  %p.at = call i128 @shifted(i128 %p, i64 %p.right)
  %a.bits = bitcast double %a to i64
  %b.bits = bitcast double %b to i64
  %c.bits = bitcast double %c to i64
  %ab.bits = xor i64 %a.bits, %b.bits
  %abc.bits = xor i64 %ab.bits, %c.bits
  %differ = icmp slt i64 %abc.bits, 0
  %minus = sub i128 0, %c.at
  %term = select i1 %differ, i128 %minus, i128 %c.at
  %sum = add i128 %p.at, %term
  %turned = icmp slt i128 %sum, 0
  %sum.minus = sub i128 0, %sum
  %size = select i1 %turned, i128 %sum.minus, i128 %sum
  %none = icmp eq i128 %size, 0
  br i1 %none, label %zero, label %round
zero:
  ret double 0.0

round:                                              ; its upper 63 bits, the last of them set where others were
  %zeros = call i128 @llvm.ctlz.i128(i128 %size, i1 true)
  %zeros.short = trunc i128 %zeros to i64
  %by = sub i64 %zeros.short, 1
  %aligned = call i128 @up(i128 %size, i64 %by)
  %upper.wide = lshr i128 %aligned, 64
  %upper = trunc i128 %upper.wide to i64
  %lower = trunc i128 %aligned to i64
  %more = icmp ne i64 %lower, 0
  %more.bit = zext i1 %more to i64
  %m = or i64 %upper, %more.bit
  %x.up = add i64 %x, 64
  %m.x = sub i64 %x.up, %by
  ; to the units of the result, 2**unit, but not below those of the smallest numbers; ties to even
  %unit.normal = add i64 %m.x, 10
  %unit = call i64 @llvm.smax.i64(i64 %unit.normal, i64 -1074)
  %drop = sub i64 %unit, %m.x
  %nothing = icmp sgt i64 %drop, 63
  %drop.safe = call i64 @llvm.smin.i64(i64 %drop, i64 63)
  %kept = lshr i64 %m, %drop.safe
  %kept.back = shl i64 %kept, %drop.safe
  %rest = sub i64 %m, %kept.back
  %drop.less = sub i64 %drop.safe, 1
  %half = shl i64 1, %drop.less
  %above.half = icmp ugt i64 %rest, %half
  %at.half = icmp eq i64 %rest, %half
  %kept.bit = trunc i64 %kept to i1
  %tie.up = and i1 %at.half, %kept.bit
  %up = or i1 %above.half, %tie.up
  %up.bit = zext i1 %up to i64
  %rounded.any = add i64 %kept, %up.bit
  %rounded = select i1 %nothing, i64 0, i64 %rounded.any
  %field = add i64 %unit, 1074
  %field.at = shl i64 %field, 52
  %number.any = add i64 %field.at, %rounded
  %number = call i64 @llvm.umin.i64(i64 %number.any, i64 9218868437227405312)   ; infinity
  %turned.bit = zext i1 %turned to i64
  %turned.at = shl i64 %turned.bit, 63
  %sign.any = xor i64 %ab.bits, %turned.at
  %sign = and i64 %sign.any, -9223372036854775808
  %found.bits = or i64 %number, %sign
  %found = bitcast i64 %found.bits to double
  ret double %found
}

; A positive number as m and x, m 2**x with m in [2**53, 2**54).
define internal { i64, i64 } @parts(double %number) alwaysinline {
  %bits = bitcast double %number to i64
  %field = lshr i64 %bits, 52
  %fraction = and i64 %bits, 4503599627370495
  %normal = icmp ne i64 %field, 0
  %implied = select i1 %normal, i64 4503599627370496, i64 0
  %m.any = or i64 %fraction, %implied
  %zeros = call i64 @llvm.ctlz.i64(i64 %m.any, i1 true)
  %by = sub i64 %zeros, 10
  %m = shl i64 %m.any, %by
  %field.least = call i64 @llvm.umax.i64(i64 %field, i64 1)
  %x.any = sub i64 %field.least, 1075
  %x = sub i64 %x.any, %by
  %with.m = insertvalue { i64, i64 } undef, i64 %m, 0
  %found = insertvalue { i64, i64 } %with.m, i64 %x, 1
  ret { i64, i64 } %found
}

; The product of two numbers below 2**54, by halves: LLVM would call a library for 128 bits.
define internal i128 @product(i64 %a, i64 %b) alwaysinline {
  %a.low = and i64 %a, 4294967295
  %b.low = and i64 %b, 4294967295
  %a.high = lshr i64 %a, 32
  %b.high = lshr i64 %b, 32
  %ll = mul i64 %a.low, %b.low
  %lh = mul i64 %a.low, %b.high
  %hl = mul i64 %a.high, %b.low
  %hh = mul i64 %a.high, %b.high
  %middle = add i64 %lh, %hl
  %ll.wide = zext i64 %ll to i128
  %middle.wide = zext i64 %middle to i128
  %hh.wide = zext i64 %hh to i128
  %middle.at = shl i128 %middle.wide, 32
  %hh.at = shl i128 %hh.wide, 64
  %lower = add i128 %ll.wide, %middle.at
  %found = add i128 %lower, %hh.at
  ret i128 %found
}

; A number shifted right; its last bit is set where a bit that is set falls off.
define internal i128 @shifted(i128 %number, i64 %by) alwaysinline {
  %by.safe = call i64 @llvm.umin.i64(i64 %by, i64 127)
  %kept = call i128 @down(i128 %number, i64 %by.safe)
  %back = call i128 @up(i128 %kept, i64 %by.safe)
  %lost = icmp ne i128 %back, %number
  %lost.bit = zext i1 %lost to i128
  %found = or i128 %kept, %lost.bit
  ret i128 %found
}

; Shifts by 0 to 127 bits, by halves.
define internal i128 @up(i128 %number, i64 %by) alwaysinline {
  %low = trunc i128 %number to i64
  %high.wide = lshr i128 %number, 64
  %high = trunc i128 %high.wide to i64
  %far.bit = and i64 %by, 64
  %far = icmp ne i64 %far.bit, 0
  %high.near = call i64 @llvm.fshl.i64(i64 %high, i64 %low, i64 %by)
  %within = and i64 %by, 63
  %low.near = shl i64 %low, %within
  %high.found = select i1 %far, i64 %low.near, i64 %high.near
  %low.found = select i1 %far, i64 0, i64 %low.near
  %found = call i128 @joined(i64 %high.found, i64 %low.found)
  ret i128 %found
}

define internal i128 @down(i128 %number, i64 %by) alwaysinline {
  %low = trunc i128 %number to i64
  %high.wide = lshr i128 %number, 64
  %high = trunc i128 %high.wide to i64
  %far.bit = and i64 %by, 64
  %far = icmp ne i64 %far.bit, 0
  %low.near = call i64 @llvm.fshr.i64(i64 %high, i64 %low, i64 %by)
  %within = and i64 %by, 63
  %high.near = lshr i64 %high, %within
  %low.found = select i1 %far, i64 %high.near, i64 %low.near
  %high.found = select i1 %far, i64 0, i64 %high.near
  %found = call i128 @joined(i64 %high.found, i64 %low.found)
  ret i128 %found
}

define internal i128 @joined(i64 %high, i64 %low) alwaysinline {
  %high.wide = zext i64 %high to i128
  %low.wide = zext i64 %low to i128
  %high.at = shl i128 %high.wide, 64
  %found = or i128 %high.at, %low.wide
  ret i128 %found
}

declare double @llvm.fabs.f64(double)
declare i64 @llvm.smax.i64(i64, i64)
declare i64 @llvm.smin.i64(i64, i64)
declare i64 @llvm.umax.i64(i64, i64)
declare i64 @llvm.umin.i64(i64, i64)
declare i64 @llvm.fshl.i64(i64, i64, i64)
declare i64 @llvm.fshr.i64(i64, i64, i64)
declare i64 @llvm.ctlz.i64(i64, i1)
declare i128 @llvm.ctlz.i128(i128, i1)
