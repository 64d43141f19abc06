using System.Security.Cryptography;
using Esper.Native.Interop;

namespace Esper.Native.Tests;

/// <summary>The generated bindings belong to the headers of this tree and to the libraries that are loaded.</summary>
public sealed unsafe class GeneratedBindingsTests
{
    [Theory]
    [InlineData("esper.h", EsperConstants.HeaderSha256)]
    [InlineData("esper_host.h", EsperHostConstants.HeaderSha256)]
    public void Bindings_are_generated_from_the_header_as_it_is(string header, string recorded)
    {
        string path = Path.Combine(RepositoryRoot.Path, "native", "include", "esper", header);
        string actual = Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(path)));
        Assert.True(
            recorded == actual,
            $"src/Esper.Native/Generated was not generated from the present {header}. "
            + "Refresh it with: dotnet run --project src/Esper.Bindings");
    }

    [Fact]
    public void Kernel_library_has_the_version_and_struct_sizes_of_the_bindings()
    {
        Assert.Equal((uint)EsperConstants.AbiVersion, EsperApi.AbiVersion());
        Assert.True(EsperStructs.Sizes.Length >= 11);
        foreach ((string name, int size) in EsperStructs.Sizes)
        {
            fixed (byte* text = Utf8.Write(name))
            {
                Assert.True(size == EsperApi.StructSize(text), name);
            }
        }
    }

    [Fact]
    public void Training_host_has_the_version_and_struct_sizes_of_the_bindings()
    {
        Assert.Equal((uint)EsperHostConstants.AbiVersion, EsperHostApi.AbiVersion());
        Assert.Equal(11, EsperHostStructs.Sizes.Length);
        foreach ((string name, int size) in EsperHostStructs.Sizes)
        {
            fixed (byte* text = Utf8.Write(name))
            {
                Assert.True(size == EsperHostApi.StructSize(text), name);
            }
        }
    }

    [Fact]
    public void Unknown_struct_has_no_size()
    {
        fixed (byte* text = Utf8.Write("esper_no_such_struct"))
        {
            Assert.Equal(-1, EsperApi.StructSize(text));
        }
    }
}
