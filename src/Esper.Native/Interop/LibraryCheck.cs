using System.Runtime.InteropServices;
using System.Text;

namespace Esper.Native.Interop;

/// <summary>Compares a freshly loaded library with the headers that the bindings were generated from.</summary>
internal static unsafe class LibraryCheck
{
    private const string Fix = "Rebuild with ./build.sh build.";

    /// <summary>Checks version and struct sizes through the library's exports of these names.</summary>
    /// <exception cref="NativeLibraryException">The library implements another interface; the message names both numbers.</exception>
    public static void Verify(
        nint library,
        string path,
        string versionExport,
        string sizeExport,
        int expectedVersion,
        ReadOnlySpan<(string Name, int Size)> expectedSizes)
    {
        var version = (delegate* unmanaged<uint>)Export(library, path, versionExport);
        var size = (delegate* unmanaged<byte*, int>)Export(library, path, sizeExport);
        CompareVersion(path, version(), expectedVersion);
        foreach ((string name, int expected) in expectedSizes)
        {
            fixed (byte* text = Encoding.UTF8.GetBytes(name + '\0'))
            {
                CompareSize(path, name, size(text), expected);
            }
        }
    }

    /// <summary>Throws where the versions differ.</summary>
    internal static void CompareVersion(string path, uint actual, int expected)
    {
        if (actual != (uint)expected)
        {
            throw new NativeLibraryException(
                $"{path} is a stale library: it implements interface version {actual}, this program needs {expected}. {Fix}");
        }
    }

    /// <summary>Throws where the sizes of a struct differ.</summary>
    internal static void CompareSize(string path, string name, int actual, int expected)
    {
        if (actual != expected)
        {
            throw new NativeLibraryException(
                $"{path} is a stale library: its {name} has {actual} bytes, this program's has {expected}. {Fix}");
        }
    }

    private static nint Export(nint library, string path, string name) =>
        NativeLibrary.TryGetExport(library, name, out nint address)
            ? address
            : throw new NativeLibraryException($"{path} is a stale library: it has no function {name}. {Fix}");
}
