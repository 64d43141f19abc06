using System.Runtime.InteropServices;
using System.Text;

namespace Esper.Native.Interop;

/// <summary>Text across the interface: UTF-8, NUL terminated.</summary>
internal static unsafe class Utf8
{
    /// <summary>Copies a native string.</summary>
    public static string Read(byte* text) => Marshal.PtrToStringUTF8((nint)text) ?? "";

    /// <summary>Bytes of a string with the terminating NUL.</summary>
    /// <exception cref="ArgumentException">The text has a NUL inside, where the native side would cut it off.</exception>
    public static byte[] Write(string text)
    {
        if (text.Contains('\0', StringComparison.Ordinal))
        {
            throw new ArgumentException($"'{text.Replace("\0", "\\0", StringComparison.Ordinal)}' has a NUL character.");
        }

        byte[] bytes = new byte[Encoding.UTF8.GetByteCount(text) + 1];
        Encoding.UTF8.GetBytes(text, bytes);
        return bytes;
    }
}
