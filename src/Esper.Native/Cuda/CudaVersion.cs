namespace Esper.Native;

/// <summary>CUDA packs versions into one number; 0 is none.</summary>
internal static class CudaVersion
{
    /// <summary>Of a driver or a compiler: 12040 is 12.4.</summary>
    public static Version? OfRelease(int number) => number <= 0 ? null : new Version(number / 1000, number % 1000 / 10);

    /// <summary>Compute capability: 90 is 9.0.</summary>
    public static Version? OfCapability(int number) => number <= 0 ? null : new Version(number / 10, number % 10);
}
