using Esper.Native.Interop;

namespace Esper.Native;

/// <summary>
/// Compiled kernels for one CUDA device. All tensors are in that device's memory and named by <see cref="DevicePointer"/>; work is
/// queued on a stream and calls return at once, so that nothing of what is passed may be freed before the stream has come to it. Used
/// by one thread at a time.
/// </summary>
public sealed unsafe class CudaDevice : IDisposable
{
    /// <summary>Opens a device; kernels are compiled at first use.</summary>
    /// <param name="device">Ordinal. Its primary context is retained, and made current if the thread has none.</param>
    /// <param name="source">Where kernels come from.</param>
    /// <param name="blocks">Fixed grid of every launch; 0 = what fills the device.</param>
    /// <param name="cacheDirectory">
    /// Folder for compiled images; null = <c>$ESPER_CACHE_DIR</c>, <c>$XDG_CACHE_HOME/esper</c> or <c>~/.cache/esper</c>; "" = none.
    /// </param>
    /// <exception cref="NativeException">
    /// <see cref="NativeStatus.Unsupported"/> names what is missing; <see cref="NativeStatus.Cuda"/>: the driver failed.
    /// </exception>
    public CudaDevice(
        int device = 0, CudaKernelSource source = CudaKernelSource.Automatic, int blocks = 0, string? cacheDirectory = null)
    {
        EsperCudaOptions options = EsperCudaOptions.Create();
        options.Device = device;
        options.Blocks = blocks;
        options.Source = (int)source;
        fixed (byte* folder = cacheDirectory is null ? null : Utf8.Write(cacheDirectory))
        {
            options.CacheDir = folder;
            int status = EsperApi.CudaCreate(&options, out CudaHandle handle);
            Handle = handle;
            Status.Check(status, nameof(CudaDevice));
        }
    }

    internal CudaHandle Handle { get; }

    /// <summary>
    /// Compiles the kernels with NVRTC; needs no device and no driver.
    /// </summary>
    /// <param name="architecture"><c>sm_80</c>, <c>sm_90</c>, ... for machine code, <c>compute_80</c>, ... for PTX.</param>
    /// <param name="dtype">Storage of activations.</param>
    /// <returns>The image.</returns>
    /// <exception cref="NativeException">
    /// <see cref="NativeStatus.Unsupported"/>: there is no NVRTC; <see cref="NativeStatus.Cuda"/>: it failed, the message has its log.
    /// </exception>
    public static byte[] Compile(string architecture, CudaDType dtype = CudaDType.Float32)
    {
        ArgumentNullException.ThrowIfNull(architecture);
        fixed (byte* name = Utf8.Write(architecture))
        {
            long size;
            Status.Check(EsperApi.CudaCompile(name, (int)dtype, null, 0, &size));
            // Two compilations of the same source may differ by a few bytes.
            byte[] image = new byte[size + size / 8 + 4096];
            fixed (byte* first = &Required<byte>.Of(image))
            {
                Status.Check(EsperApi.CudaCompile(name, (int)dtype, first, image.Length, &size));
            }

            return size <= image.Length
                ? image[..(int)size]
                : throw new InvalidOperationException($"The image for {architecture} grew to {size} bytes.");
        }
    }

    /// <summary>Tells which kernels are loaded and where they came from.</summary>
    /// <exception cref="ObjectDisposedException">The device is closed.</exception>
    public CudaDescription Describe() => Describe(Handle);

    /// <summary>One step of an optimizer over arenas in device memory, as <see cref="ArenaOptimizer.Step"/> over memory of the host.</summary>
    /// <param name="stream">The stream to queue on; the segments are copied with the launch.</param>
    /// <param name="options">Hyperparameters.</param>
    /// <param name="segments">Parts of the arena with a rate of their own, in rising order.</param>
    /// <param name="count">Floats in each arena.</param>
    /// <param name="arenas">Where the arenas are.</param>
    /// <exception cref="NativeException">An argument breaks a rule, or the driver failed.</exception>
    public void OptimizerStep(
        CudaStream stream,
        ArenaOptimizerOptions options,
        ReadOnlySpan<ArenaSegment> segments,
        long count,
        CudaArenas arenas)
    {
        ArgumentNullException.ThrowIfNull(options);
        EsperOptimizerOptions native = options.ToNative();
        EsperArenaSegment[] parts = ArenaSegment.ToNative(segments);
        fixed (EsperArenaSegment* first = parts)
        {
            Status.Check(EsperApi.CudaOptimizerStep(
                Handle,
                stream.Raw,
                &native,
                first,
                parts.Length,
                count,
                (float*)arenas.Parameters.Raw,
                (float*)arenas.Gradient.Raw,
                (float*)arenas.First.Raw,
                (float*)arenas.Second.Raw));
        }
    }

    /// <summary>Frees the kernels, after what is queued on the device has finished.</summary>
    public void Dispose() => Handle.Dispose();

    internal static CudaDescription Describe(CudaHandle handle)
    {
        EsperCudaDescription description = EsperCudaDescription.Create();
        Status.Check(EsperApi.CudaDescribe(handle, &description));
        return CudaDescription.FromNative(description);
    }
}
