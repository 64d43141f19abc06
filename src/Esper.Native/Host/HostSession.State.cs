using System.Collections.Immutable;
using Esper.Native.Interop;

namespace Esper.Native;

/// <content>Everything that a checkpoint must hold.</content>
public sealed unsafe partial class HostSession
{
    /// <summary>
    /// Names and sizes of all state tensors, in a fixed order: <c>param/NAME</c>, <c>buffer/NAME</c>, <c>arena/SITE</c>,
    /// optimizer state (<c>momentum/...</c>, <c>adam_m/...</c>, <c>adam_v/...</c>, <c>adam_step/...</c>),
    /// <c>rng/dropout</c>, and after <see cref="Gradients"/> <c>grad/...</c>.
    /// </summary>
    public IReadOnlyList<StateTensor> State()
    {
        int count;
        Status.CheckHost(EsperHostApi.StateCount(handle, &count));
        StateTensor[] tensors = new StateTensor[count];
        long* dims = stackalloc long[MaximumRank];
        for (int i = 0; i < count; i++)
        {
            byte* name;
            int type, rank;
            Status.CheckHost(EsperHostApi.StateInfo(handle, i, &name, &type, &rank, dims));
            tensors[i] = new StateTensor(
                Utf8.Read(name), (HostDType)type, new ReadOnlySpan<long>(dims, rank).ToImmutableArray());
        }

        return tensors;
    }

    /// <summary>Copies the state tensor of that name.</summary>
    /// <param name="name">Name as <see cref="State"/> gives it.</param>
    /// <param name="data">Exactly as long as the tensor's bytes.</param>
    /// <exception cref="NativeException">There is no such tensor, or the length differs.</exception>
    public void ReadState(string name, Span<byte> data)
    {
        ArgumentNullException.ThrowIfNull(name);
        fixed (byte* pn = Utf8.Write(name), pd = &Required<byte>.Of(data))
        {
            Status.CheckHost(EsperHostApi.StateRead(handle, pn, pd, data.Length));
        }
    }

    /// <summary>
    /// Replaces the content of a state tensor; optimizer tensors that do not exist yet are created. Seeds must have been
    /// germinated as they were when the state was read.
    /// </summary>
    /// <param name="name">Name as <see cref="State"/> gives it.</param>
    /// <param name="data">Exactly as long as the tensor's bytes.</param>
    /// <exception cref="NativeException">There can be no such tensor, or the length differs.</exception>
    public void WriteState(string name, ReadOnlySpan<byte> data)
    {
        ArgumentNullException.ThrowIfNull(name);
        fixed (byte* pn = Utf8.Write(name), pd = &Required<byte>.Of(data))
        {
            Status.CheckHost(EsperHostApi.StateWrite(handle, pn, pd, data.Length));
        }
    }
}
