namespace Esper.Native;

/// <summary>Parameters, their gradient and the optimizer's moments in device memory, float32 and all of one layout.</summary>
/// <param name="Parameters">Parameters.</param>
/// <param name="Gradient">Their gradient.</param>
/// <param name="First">Momentum, or m of AdamW; none for SGD without momentum.</param>
/// <param name="Second">v of AdamW; none for SGD.</param>
public readonly record struct CudaArenas(
    DevicePointer Parameters, DevicePointer Gradient, DevicePointer First = default, DevicePointer Second = default);
