using System.Buffers;
using System.Runtime.InteropServices;
using Esper.Native.Interop;

namespace Esper.Native;

/// <summary>Memory that stays where it is until disposal: what one native call borrows.</summary>
internal sealed unsafe class NativeArena : IDisposable
{
    private readonly List<nint> blocks = [];
    private readonly List<MemoryHandle> pins = [];

    /// <summary>A zeroed array; NULL for length 0.</summary>
    public T* Array<T>(int length)
        where T : unmanaged
    {
        if (length == 0)
        {
            return null;
        }

        T* block = (T*)NativeMemory.AllocZeroed((nuint)length, (nuint)sizeof(T));
        blocks.Add((nint)block);
        return block;
    }

    /// <summary>A copy of a span; NULL for an empty one.</summary>
    public T* Copy<T>(ReadOnlySpan<T> values)
        where T : unmanaged
    {
        T* block = Array<T>(values.Length);
        values.CopyTo(new Span<T>(block, values.Length));
        return block;
    }

    /// <summary>A copy of a text as UTF-8.</summary>
    public byte* Text(string text) => Copy<byte>(Utf8.Write(text));

    /// <summary>A tensor's memory, pinned; never NULL, also for a tensor without elements.</summary>
    public void* Pin(HostTensor tensor)
    {
        MemoryHandle pin = tensor.Pin();
        pins.Add(pin);
        return pin.Pointer != null ? pin.Pointer : Array<long>(1);
    }

    /// <summary>Frees and unpins everything.</summary>
    public void Dispose()
    {
        foreach (MemoryHandle pin in pins)
        {
            pin.Dispose();
        }

        foreach (nint block in blocks)
        {
            NativeMemory.Free((void*)block);
        }

        pins.Clear();
        blocks.Clear();
    }
}
