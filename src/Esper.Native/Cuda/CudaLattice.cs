using Esper.Native.Interop;

namespace Esper.Native;

/// <summary>
/// A lattice's tables on a device, for tensors of one shape and storage. One launch a pass walks them, so that a captured graph of
/// forward and backward stays valid over <see cref="Update"/>. Used by one thread at a time.
/// </summary>
public sealed unsafe class CudaLattice : IDisposable
{
    /// <summary>
    /// Sums a seed that <see cref="Backward"/> writes: input and module square, gradient square, gradient times module, input and
    /// module sum.
    /// </summary>
    public const int SumCount = EsperConstants.CudaSumCount;

    private readonly CudaLatticeHandle handle = new();
    private readonly CudaHandle device;
    private bool holdsDevice;

    /// <summary>Creates the tables, with all the memory that later calls need.</summary>
    /// <param name="device">The device; it stays open until this is disposed.</param>
    /// <param name="lattice">The lattice whose seeds it takes over.</param>
    /// <param name="shape">Size of the tensors of every later call.</param>
    /// <param name="dtype">Storage of the tensors.</param>
    /// <exception cref="NativeException">An argument breaks a rule, memory is short, or the driver failed.</exception>
    public CudaLattice(CudaDevice device, SeedLattice lattice, LatticeShape shape, CudaDType dtype = CudaDType.Float32)
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(lattice);
        EsperShape size = shape.ToNative();
        this.device = device.Handle;
        this.device.DangerousAddRef(ref holdsDevice);
        try
        {
            int status = EsperApi.CudaLatticeCreate(device.Handle, lattice.Handle, &size, (int)dtype, out handle);
            Status.Check(status, nameof(CudaLattice));
        }
        catch
        {
            Release();
            throw;
        }
    }

    /// <summary>Takes over the seeds that the lattice has now: one asynchronous copy, ordered on the stream.</summary>
    /// <exception cref="NativeException">
    /// <see cref="NativeStatus.Unsupported"/>: they need more device memory than was reserved; create a new one.
    /// </exception>
    public void Update(SeedLattice lattice, CudaStream stream)
    {
        ArgumentNullException.ThrowIfNull(lattice);
        Status.Check(EsperApi.CudaLatticeUpdate(handle, lattice.Handle, stream.Raw));
    }

    /// <summary>y = lattice(x), as <see cref="SeedLattice.Forward"/>; in place where both are the same.</summary>
    /// <param name="stream">The stream to queue on.</param>
    /// <param name="theta">Every seed's parameters at its offset, float32.</param>
    /// <param name="thetaCount">Number of floats in theta.</param>
    /// <param name="x">batch x channels x positions elements of the storage type.</param>
    /// <param name="y">As many.</param>
    /// <exception cref="NativeException">An argument breaks a rule, or the driver failed.</exception>
    public void Forward(CudaStream stream, DevicePointer theta, long thetaCount, DevicePointer x, DevicePointer y) =>
        Status.Check(EsperApi.CudaLatticeForward(handle, stream.Raw, (float*)theta.Raw, thetaCount, x.Raw, y.Raw));

    /// <summary>Gradients of <see cref="Forward"/>, as <see cref="SeedLattice.Backward"/>.</summary>
    /// <param name="stream">The stream to queue on.</param>
    /// <param name="theta">As in forward.</param>
    /// <param name="thetaCount">Number of floats in theta.</param>
    /// <param name="x">The input of forward, unchanged since.</param>
    /// <param name="dy">Upstream gradient.</param>
    /// <param name="outputs">What is wanted, and where to.</param>
    /// <exception cref="NativeException">An argument breaks a rule, or the driver failed.</exception>
    public void Backward(
        CudaStream stream, DevicePointer theta, long thetaCount, DevicePointer x, DevicePointer dy, CudaGradients outputs) =>
        Status.Check(EsperApi.CudaLatticeBackward(
            handle,
            stream.Raw,
            (float*)theta.Raw,
            thetaCount,
            x.Raw,
            dy.Raw,
            outputs.Input.Raw,
            (float*)outputs.Theta.Raw,
            (float*)outputs.Alpha.Raw,
            (double*)outputs.Sums.Raw));

    /// <summary>Frees the tables, after what is queued on them has finished.</summary>
    public void Dispose() => Release();

    // A device that is disposed first must outlive the tables on it; one never disposed here stays open, which is a leak, not a fault.
    private void Release()
    {
        handle.Dispose();
        if (holdsDevice)
        {
            holdsDevice = false;
            device.DangerousRelease();
        }
    }
}
