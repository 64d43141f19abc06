namespace Esper.Native;

/// <summary>Outputs of a backward pass in device memory; those that are none are not wanted.</summary>
/// <param name="Input">dx, in the storage type; may be dy itself.</param>
/// <param name="Theta">dtheta, float32, to which the parameter gradients of learning seeds are added.</param>
/// <param name="Alpha">dalpha, one float32 a seed.</param>
/// <param name="Sums"><see cref="CudaLattice.SumCount"/> float64 a seed.</param>
public readonly record struct CudaGradients(
    DevicePointer Input = default, DevicePointer Theta = default, DevicePointer Alpha = default, DevicePointer Sums = default);
