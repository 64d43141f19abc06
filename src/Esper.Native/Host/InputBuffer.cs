using System.Buffers;
using System.Runtime.CompilerServices;
using Esper.Native.Interop;

namespace Esper.Native;

/// <summary>
/// The inputs of one call at a time, laid out for the native side. Its arrays are reused, so that a training step
/// allocates nothing.
/// </summary>
internal sealed unsafe class InputBuffer
{
    private const int MaximumRank = 8;

    /// <summary>Stands in for the memory of tensors without elements, where NULL would be refused.</summary>
    private readonly long[] nothing = GC.AllocateArray<long>(1, pinned: true);

    private MemoryHandle[] pins = [];
    private EsperHostTensor[] tensors = [];
    private long[] dims = [];

    /// <summary>Pins the inputs until the returned lease is disposed.</summary>
    /// <exception cref="ArgumentException">An input is the default value of its type, or has more than 8 extents.</exception>
    public Lease Pin(ReadOnlySpan<HostTensor> inputs)
    {
        Check(inputs);
        if (tensors.Length < inputs.Length)
        {
            pins = new MemoryHandle[inputs.Length];
            tensors = GC.AllocateArray<EsperHostTensor>(inputs.Length, pinned: true);
            dims = GC.AllocateArray<long>(inputs.Length * MaximumRank, pinned: true);
        }

        Lease lease = new(this, inputs.Length);
        try
        {
            for (int i = 0; i < inputs.Length; i++)
            {
                Fill(i, inputs[i]);
            }
        }
        catch
        {
            lease.Dispose();
            throw;
        }

        return lease;
    }

    private void Fill(int index, in HostTensor input)
    {
        pins[index] = input.Pin();
        input.Dims.CopyTo(dims.AsSpan(index * MaximumRank));
        ref EsperHostTensor native = ref tensors[index];
        native = EsperHostTensor.Create();
        native.Dtype = (int)input.DType;
        native.Rank = input.Dims.Length;

        // These arrays are pinned for life: their addresses do not move.
        native.Dims = (long*)Unsafe.AsPointer(ref dims[index * MaximumRank]);
        native.Data = pins[index].Pointer != null ? pins[index].Pointer : Unsafe.AsPointer(ref nothing[0]);
    }

    private static void Check(ReadOnlySpan<HostTensor> inputs)
    {
        for (int i = 0; i < inputs.Length; i++)
        {
            if (!inputs[i].IsDefined)
            {
                throw new ArgumentException($"Input {i} holds no tensor.", nameof(inputs));
            }

            if (inputs[i].Dims.Length > MaximumRank)
            {
                throw new ArgumentException(
                    $"Input {i} has {inputs[i].Dims.Length} extents; the host takes {MaximumRank} at most.", nameof(inputs));
            }
        }
    }

    /// <summary>Inputs that stay pinned until disposal.</summary>
    internal readonly ref struct Lease(InputBuffer owner, int count)
    {
        /// <summary>Number of inputs.</summary>
        public int Count => count;

        /// <summary>The inputs; NULL when there are none.</summary>
        public EsperHostTensor* Tensors => count == 0
            ? null
            : (EsperHostTensor*)Unsafe.AsPointer(ref owner.tensors[0]);

        /// <summary>Unpins them.</summary>
        public void Dispose()
        {
            for (int i = 0; i < count; i++)
            {
                owner.pins[i].Dispose();
                owner.pins[i] = default;
            }
        }
    }
}
