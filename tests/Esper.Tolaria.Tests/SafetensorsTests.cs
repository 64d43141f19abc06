using System.Collections.Immutable;
using System.Text;
using Esper.Contracts;
using Esper.Tolaria.Checkpoints;

namespace Esper.Tolaria.Tests;

public sealed class SafetensorsTests : IDisposable
{
    private static readonly ImmutableArray<SavedTensor> Tensors =
    [
        new("weight \"ü\"", "F32", [2, 3], [.. Enumerable.Range(0, 24).Select(i => (byte)i)]),
        new("empty", "F32", [0], []),
        new("counter", "I64", [1], [1, 2, 3, 4, 5, 6, 7, 8]),
    ];

    private readonly string _path = Path.GetTempFileName();

    public void Dispose() => File.Delete(_path);

    [Fact]
    public void What_is_written_is_read_back()
    {
        Write();
        (ImmutableArray<SavedTensor> tensors, ImmutableDictionary<string, string> metadata) = Safetensors.Read(_path);
        Assert.Equal("line\nbreak", metadata["note"]);
        Assert.Equal(Tensors.Length, tensors.Length);
        foreach ((SavedTensor expected, SavedTensor actual) in Tensors.Zip(tensors))
        {
            Assert.Equal(expected.Name, actual.Name);
            Assert.Equal(expected.Type, actual.Type);
            Assert.Equal(expected.Shape.AsEnumerable(), actual.Shape);
            Assert.Equal(expected.Data, actual.Data);
        }
    }

    [Fact]
    public void The_layout_is_that_of_the_format()
    {
        Write();
        byte[] file = File.ReadAllBytes(_path);
        long header = BitConverter.ToInt64(file);
        Assert.Equal(0, (8 + header) % 8);
        Assert.Equal(8 + header + 24 + 8, file.Length);
        Assert.Equal((byte)'{', file[8]);
    }

    [Fact]
    public void A_file_cut_off_anywhere_is_refused()
    {
        Write();
        byte[] file = File.ReadAllBytes(_path);
        for (int length = 0; length < file.Length; length += 5)
        {
            File.WriteAllBytes(_path, file[..length]);
            EsperException error = Assert.Throws<EsperException>(() => Safetensors.Read(_path));
            Assert.Contains(_path, error.Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,400]}}", "400")]
    [InlineData("{\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,4]}}", "12 bytes")]
    [InlineData("{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[4,0]}}", "'a'")]
    [InlineData("{\"a\":{\"dtype\":\"F32\",\"shape\":[9223372036854775807,9223372036854775807,9],\"data_offsets\":[0,4]}}", "header")]
    [InlineData("{\"a\":{\"dtype\":\"PICKLE\",\"shape\":[1],\"data_offsets\":[0,4]}}", "PICKLE")]
    [InlineData("{\"a\":{\"shape\":[1]}}", "header")]
    [InlineData("[1,2,3]", "header")]
    [InlineData("not json", "header")]
    public void A_hostile_header_is_refused(string header, string expected)
    {
        byte[] text = Encoding.UTF8.GetBytes(header);
        File.WriteAllBytes(_path, [.. BitConverter.GetBytes((long)text.Length), .. text, .. new byte[4]]);
        EsperException error = Assert.Throws<EsperException>(() => Safetensors.Read(_path));
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_huge_header_length_allocates_nothing()
    {
        File.WriteAllBytes(_path, [.. BitConverter.GetBytes(long.MaxValue), 1, 2, 3]);
        Assert.Contains("header length", Assert.Throws<EsperException>(() => Safetensors.Read(_path)).Message, StringComparison.Ordinal);
    }

    private void Write()
    {
        using FileStream file = File.Create(_path);
        Safetensors.Write(file, Tensors, new Dictionary<string, string> { ["note"] = "line\nbreak" });
    }
}
