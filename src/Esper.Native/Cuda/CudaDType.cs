namespace Esper.Native;

/// <summary>
/// Storage of activations on a device. Parameters, their gradients and all sums are float32, and so is accumulation. The numbers are
/// those of <c>esper_dtype</c>.
/// </summary>
public enum CudaDType
{
    /// <summary>IEEE binary32.</summary>
    Float32 = 0,

    /// <summary>IEEE binary16.</summary>
    Float16 = 1,

    /// <summary>The upper half of a binary32.</summary>
    BFloat16 = 2,
}
