using Esper.Native.Interop;

namespace Esper.Native;

/// <summary>A set of worker threads and the instruction set that kernels run with. Used by one thread at a time.</summary>
public sealed unsafe class KernelContext : IDisposable
{
    /// <summary>Starts the workers.</summary>
    /// <param name="threads">Number of partitions and of worker threads; 0 = all cores of this process.</param>
    /// <param name="isa">Instruction set; one that the machine lacks is refused, never replaced.</param>
    /// <param name="smallWork">Calls touching fewer elements run on the calling thread; 0 = the library's default.</param>
    /// <param name="sumsItems">Number of batch items that a backward pass gathers its sums over, about; 0 = all.</param>
    /// <exception cref="NativeException">The machine lacks <paramref name="isa"/>, or an argument is out of range.</exception>
    public KernelContext(int threads = 0, CpuIsa isa = CpuIsa.Auto, long smallWork = 0, int sumsItems = 0)
    {
        EsperContextOptions options = EsperContextOptions.Create();
        options.Threads = threads;
        options.Isa = (int)isa;
        options.SmallWork = smallWork;
        options.SumsItems = sumsItems;
        int status = EsperApi.ContextCreate(&options, out ContextHandle handle);
        Handle = handle;
        Status.Check(status, nameof(KernelContext));
        int usedIsa, usedThreads;
        Status.Check(EsperApi.ContextQuery(handle, &usedIsa, &usedThreads), nameof(KernelContext));
        Isa = (CpuIsa)usedIsa;
        Threads = usedThreads;
    }

    /// <summary>Instruction set in use.</summary>
    public CpuIsa Isa { get; }

    /// <summary>Number of threads in use.</summary>
    public int Threads { get; }

    internal ContextHandle Handle { get; }

    /// <summary>Joins the workers.</summary>
    public void Dispose() => Handle.Dispose();
}
