using Esper.Native.Interop;

namespace Esper.Native;

/// <summary>How a site's channels are divided among its seeds.</summary>
public static unsafe class Chunking
{
    /// <summary>
    /// Channel range of seed <paramref name="index"/>: sizes floor(channels / seeds), the first channels mod seeds one
    /// larger.
    /// </summary>
    /// <exception cref="NativeException">Not 1 &lt;= seeds &lt;= channels, or no such index.</exception>
    public static (int Begin, int Count) Of(int channels, int seeds, int index)
    {
        int begin, count;
        Status.Check(EsperApi.Chunk(channels, seeds, index, &begin, &count));
        return (begin, count);
    }
}
